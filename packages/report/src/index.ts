export { htmlReport, type ReportOptions } from './html-report.js'
export { mainChart } from './main-chart.js'
