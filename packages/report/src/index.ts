export { htmlReport } from './html-report.js'
export { mainChart } from './main-chart.js'
