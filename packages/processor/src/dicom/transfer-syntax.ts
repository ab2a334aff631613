import { ProcessorError } from "../errors.js";

/** How a file's data set and pixels are written. Source: DICOM PS3.5 10 and annex A. */
export interface TransferSyntax {
  readonly uid: string;
  readonly explicit: boolean;
  readonly littleEndian: boolean;
  /** The data set is packed by deflate. */
  readonly deflated: boolean;
  /** Each frame is compressed by itself. */
  readonly encapsulated: boolean;
}

const ROOT = "1.2.840.10008.1.2";
export const IMPLICIT = ROOT;
export const EXPLICIT = `${ROOT}.1`;
export const BIG_ENDIAN = `${ROOT}.2`;
const DEFLATED = `${ROOT}.1.99`;

/** Clips, which are one stream and no frames of their own. */
const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10\d(\.1)?$/;
const ENCAPSULATED = new Set(
  ["5", "4.50", "4.51", "4.57", "4.70", "4.80", "4.81", "4.90", "4.91", "4.201", "4.202", "4.203"].map(
    (end) => `${ROOT}.${end}`,
  ),
);

/** @throws ProcessorError `dicom-transfer-syntax`. */
export function transferSyntax(uid: string): TransferSyntax {
  const encapsulated = ENCAPSULATED.has(uid);
  if (!encapsulated && ![IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED].includes(uid)) {
    const known = /^[\d.]{1,64}$/.test(uid) ? `transfer syntax ${uid}` : "a transfer syntax that is no UID";
    const video = VIDEO.test(uid) ? ": a clip of MPEG or HEVC in a DICOM file; take the clip out of it" : "";
    throw new ProcessorError("dicom-transfer-syntax", `${known} is not read${video}`);
  }
  return {
    uid,
    explicit: uid !== IMPLICIT,
    littleEndian: uid !== BIG_ENDIAN,
    deflated: uid === DEFLATED,
    encapsulated,
  };
}
