export { cutStream, CutStreamError, type PieceInfo, type PieceSink, type CutResult } from './cutstream.js';
export { pieceSuffix } from './piece-name.js';
