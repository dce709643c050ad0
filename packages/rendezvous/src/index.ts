export { LISTENER_NAME } from './address.js'
export { DescriptorBytes } from './descriptor-bytes.js'
export { listenAt, type Welcome } from './listener.js'
export { type Mailboxes, MailboxPackets } from './mailbox-packets.js'
export {
  type Control,
  confirmObjects,
  connectControl,
  type MeetOptions,
  makeObjects,
  type Objects,
  ownUid,
  passObjects,
  receiveObjects,
} from './meet.js'
export {
  type FoundRecord,
  findRecords,
  HeldRecord,
  type Recorded,
  runtimeDirectory,
  sweep,
} from './records.js'
export { SocketPackets } from './socket-packets.js'
