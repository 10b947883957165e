import { parseTOML, type AST } from 'toml-eslint-parser';

/** A place in a text: line and column, both from 1. */
export interface Place { readonly line: number; readonly column: number }

/** Places of keys and values of a TOML document. */
export interface Places {
  /** Where a key stands, by its path joined with NUL (indices of lists are parts, too). */
  readonly key: (path: readonly (string | number)[]) => Place | undefined;
  /** Where its value stands. */
  readonly value: (path: readonly (string | number)[]) => Place | undefined;
}

const joined = (path: readonly (string | number)[]): string => path.map(String).join('\0');
const place = (node: { loc: AST.SourceLocation }): Place => ({ line: node.loc.start.line, column: node.loc.start.column + 1 });

/** Places of everything in a TOML text; of a text that its parser does not take, no places. */
export function readPlaces(text: string): Places {
  const keys = new Map<string, Place>();
  const values = new Map<string, Place>();
  const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string => (key.type === 'TOMLBare' ? key.name : key.value);
  const addKey = (base: readonly (string | number)[], key: AST.TOMLKey): (string | number)[] => {
    const path = [...base];
    for (const part of key.keys) {
      path.push(nameOf(part));
      if (!keys.has(joined(path))) keys.set(joined(path), place(part));
    }
    return path;
  };
  const addValue = (path: readonly (string | number)[], node: AST.TOMLContentNode): void => {
    values.set(joined(path), place(node));
    if (node.type === 'TOMLArray') node.elements.forEach((e, i) => { addValue([...path, i], e); });
    if (node.type === 'TOMLInlineTable') for (const pair of node.body) addValue(addKey(path, pair.key), pair.value);
  };
  try {
    for (const node of parseTOML(text).body[0].body) {
      if (node.type === 'TOMLKeyValue') addValue(addKey([], node.key), node.value);
      else {
        addKey([], node.key);
        keys.set(joined(node.resolvedKey), place(node.key));
        values.set(joined(node.resolvedKey), place(node.key));
        for (const pair of node.body) addValue(addKey(node.resolvedKey, pair.key), pair.value);
      }
    }
  } catch {
    // Places are a help, no more: the text itself was judged by the other parser.
  }
  return { key: (path) => keys.get(joined(path)), value: (path) => values.get(joined(path)) };
}
