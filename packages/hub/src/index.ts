/**
 * Where models come from: a folder, an https address, or the Hugging Face Hub. `fetchCheckpoint` makes a local folder of
 * any of them; `openRemote` leaves the tensors where they are. No dependencies.
 */
export { SourceError, type SourceErrorCode } from "./error.js";
export { fetchCheckpoint } from "./fetch.js";
export { type FetchOptions, isOffline, type Patience, type Progress, type RequestOptions } from "./options.js";
export { hasDisk } from "./platform.js";
export { openRemote, type RemoteCheckpoint } from "./remote.js";
export { parseSource, type Source } from "./source.js";
