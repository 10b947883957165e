// API reference of the packages from their docstrings. usage: node tools/api-reference.mjs [--check] [PACKAGE...]
// `--check` fails when a file in docs/api differs from what the sources say.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import ts from 'typescript';

const root = new URL('..', import.meta.url).pathname;
const check = process.argv.includes('--check');
const packages = process.argv.slice(2).filter((a) => !a.startsWith('--'));
if (packages.length === 0) packages.push('iso9660');

/** Docstring of a declaration as Markdown. */
function docOf(checker, symbol) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  const tags = symbol.getJsDocTags(checker).filter((t) => t.name === 'throws').map((t) => `Throws: ${ts.displayPartsToString(t.text ?? []).trim()}`);
  return [text, ...tags].filter((t) => t !== '').join('\n\n');
}

/** Source of a declaration without bodies, private members and comments. */
function signature(node, source) {
  const printer = ts.createPrinter({ removeComments: true });
  const strip = (n) => {
    if (ts.isFunctionDeclaration(n)) return ts.factory.updateFunctionDeclaration(n, n.modifiers, n.asteriskToken, n.name, n.typeParameters, n.parameters, n.type, undefined);
    if (ts.isClassDeclaration(n)) return undefined;
    return n;
  };
  const shown = strip(node);
  return shown === undefined ? undefined : printer.printNode(ts.EmitHint.Unspecified, shown, source).replace(/^export (declare )?/, '').trim();
}

let stale = 0;
for (const name of packages) {
  const entry = `${root}packages/${name}/src/index.ts`;
  const program = ts.createProgram([entry], { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true, types: ['node'], noEmit: true, allowImportingTsExtensions: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  const lines = [`# @cdrec/${name}: API`, '', `Made from the docstrings by \`node tools/api-reference.mjs ${name}\`; a test fails when it is out of date.`];
  for (const exported of checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const [declaration] = symbol.declarations ?? [];
    if (declaration === undefined) continue;
    const source = declaration.getSourceFile();
    lines.push('', `## ${exported.name}`, '', docOf(checker, symbol));
    if (docOf(checker, symbol) === '') throw new Error(`${exported.name} of @cdrec/${name} has no docstring`);
    if (ts.isClassDeclaration(declaration)) {
      for (const member of declaration.members) {
        if (member.name === undefined || ts.isPrivateIdentifier(member.name) || (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0) continue;
        const memberSymbol = checker.getSymbolAtLocation(member.name);
        const type = checker.typeToString(checker.getTypeOfSymbolAtLocation(memberSymbol, declaration), declaration, ts.TypeFormatFlags.NoTruncation);
        const isStatic = (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
        const kind = ts.isMethodDeclaration(member) ? type.replace(/ => /g, ': ').replace(/^\(/, `${memberSymbol.name}(`) : `${memberSymbol.name}: ${type}`;
        const doc = docOf(checker, memberSymbol);
        lines.push('', `- \`${isStatic ? 'static ' : ''}${kind.replace(/\s+/g, ' ')}\`${doc === '' ? '' : `  \n  ${doc.replace(/\n+/g, '\n  ')}`}`);
      }
    } else {
      const text = ts.isVariableDeclaration(declaration) ? `const ${exported.name}: ${checker.typeToString(checker.getTypeOfSymbolAtLocation(symbol, declaration)).slice(0, 400)}` : signature(declaration, source);
      lines.push('', '```ts', text, '```');
      if (ts.isInterfaceDeclaration(declaration)) {
        for (const member of declaration.members) {
          const doc = member.name === undefined ? '' : docOf(checker, checker.getSymbolAtLocation(member.name));
          if (doc !== '') lines.push('', `- \`${member.name.getText()}\`: ${doc.replace(/\n+/g, ' ')}`);
        }
      }
    }
  }
  const text = `${lines.join('\n')}\n`;
  const file = `${root}docs/api/${name}.md`;
  if (check && (!existsSync(file) || readFileSync(file, 'utf8') !== text)) {
    stale++;
    console.error(`${relative(root, file)} is out of date: run node tools/api-reference.mjs ${name}`);
  }
  if (!check) {
    mkdirSync(`${root}docs/api`, { recursive: true });
    writeFileSync(file, text);
  }
}
process.exitCode = stale === 0 ? 0 : 1;
