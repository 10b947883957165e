export { pasteStream, PasteStreamError, type PasteErrorCode, type PieceSource } from './pastestream.js';
