// Completions for bash, zsh and fish, made of the same specifications as the help.
import type { CommandSpec, OptionSpec, ValueKind } from './spec.js';

const nameOf = ({ flags }: OptionSpec): string => flags.split(' ')[0] as string;
const takesValue = ({ flags }: OptionSpec): boolean => flags.includes(' ');
const quote = (text: string): string => `'${text.replaceAll('\'', '\'\\\'\'')}'`;
/** Every command with the words that lead to it. */
const walk = (specs: readonly CommandSpec[], path: readonly string[] = []): { path: readonly string[]; spec: CommandSpec }[] =>
  specs.flatMap((spec) => [{ path: [...path, spec.name], spec }, ...walk(spec.children ?? [], [...path, spec.name])]);

const bashValue = (value: ValueKind | undefined): string => {
  if (value === undefined) return 'COMPREPLY=()';
  if (typeof value !== 'string') return `COMPREPLY=($(compgen -W ${quote(value.join(' '))} -- "$cur"))`;
  return value === 'directory' ? 'COMPREPLY=($(compgen -d -- "$cur"))' : value === 'device' ? 'COMPREPLY=($(compgen -f -- "${cur:-/dev/}"))' : 'COMPREPLY=($(compgen -f -- "$cur"))';
};

/** Completion for bash(1), by compgen alone: bash-completion is not needed. */
export function bashCompletion(specs: readonly CommandSpec[]): string {
  const cases = walk(specs).map(({ path, spec }) => {
    const values = (spec.options ?? []).filter(takesValue).map((o) => `        ${nameOf(o)}) ${bashValue(o.value)}; return ;;`);
    const words = [...(spec.children ?? []).map((c) => c.name), ...(spec.options ?? []).map(nameOf), '--help'];
    const positional = (spec.arguments ?? [])[0]?.value;
    return `    ${quote(path.join(' '))})
      case "$prev" in
${values.join('\n')}${values.length > 0 ? '\n' : ''}        *) ;;
      esac
      if [[ $cur == -* || ${spec.children === undefined ? '-z x' : '-n x'} ]]; then COMPREPLY=($(compgen -W ${quote(words.join(' '))} -- "$cur"))
      else ${bashValue(positional)}; fi ;;`;
  });
  const parents = walk(specs).filter(({ spec }) => spec.children !== undefined);
  return `# bash completion of cdrec; made by "cdrec completion bash".
_cdrec() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' word
  COMPREPLY=()
  compopt -o filenames 2> /dev/null
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && continue
    case "$command" in
      '') command=$word ;;
${parents.map(({ path, spec }) => `      ${quote(path.join(' '))}) case "$word" in ${(spec.children ?? []).map((c) => c.name).join('|')}) command="$command $word" ;; esac ;;`).join('\n')}
    esac
  done
  case "$command" in
    '') COMPREPLY=($(compgen -W ${quote([...specs.map((s) => s.name), '--help', '--version', '--debug'].join(' '))} -- "$cur")) ;;
${cases.join('\n')}
  esac
}
complete -F _cdrec cdrec
`;
}

const zshValue = (value: ValueKind | undefined): string => (value === undefined ? ' ' : typeof value !== 'string' ? `(${value.join(' ')})` : value === 'directory' ? '_files -/' : '_files');
const zshText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll(':', '\\:').replaceAll('\'', '\'\\\'\'');

/** Completion for zsh(1), a function for its completion system. */
export function zshCompletion(specs: readonly CommandSpec[]): string {
  const fn = (path: readonly string[]): string => `_cdrec_${path.join('_').replaceAll('-', '_')}`;
  const describe = (commands: readonly CommandSpec[]): string => commands.map((c) => `      '${c.name}:${zshText(c.summary)}'`).join('\n');
  const bodies = walk(specs).map(({ path, spec }) => {
    const options = (spec.options ?? []).map((o) => `'${o.repeat === true ? '*' : ''}${nameOf(o)}[${zshText(o.text)}]${takesValue(o) ? `:value:${zshValue(o.value)}` : ''}'`);
    if (spec.children !== undefined) return `${fn(path)}() {\n  local -a commands\n  if (( CURRENT == 2 )); then\n    commands=(\n${describe(spec.children)}\n    )\n    _describe command commands\n  else\n    local word=\${words[2]}\n    shift words; (( CURRENT-- ))\n    case $word in\n${spec.children.map((c) => `      ${c.name}) ${fn([...path, c.name])} ;;`).join('\n')}\n    esac\n  fi\n}`;
    const positional = (spec.arguments ?? []).map((a) => `'${a.name.includes('...') ? '*' : ''}:${zshText(a.name.replace(/[[\]<>.]/g, ''))}:${zshValue(a.value)}'`);
    return `${fn(path)}() {\n  _arguments -S ${[...options, '\'--help[help of this command]\'', ...positional].join(' \\\n    ')}\n}`;
  });
  return `#compdef cdrec
# zsh completion of cdrec; made by "cdrec completion zsh".
${bodies.join('\n')}
_cdrec() {
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(
${describe(specs)}
    )
    _describe command commands
  else
    local word=\${words[2]}
    shift words; (( CURRENT-- ))
    case $word in
${specs.map((s) => `      ${[s.name, ...(s.alias === undefined ? [] : [s.alias])].join('|')}) ${fn([s.name])} ;;`).join('\n')}
    esac
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _cdrec "$@"; else compdef _cdrec cdrec; fi
`;
}

const fishQuote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll('\'', '\\\'')}'`;

/** Completion for fish(1). */
export function fishCompletion(specs: readonly CommandSpec[]): string {
  const lines = ['# fish completion of cdrec; made by "cdrec completion fish".', 'complete -c cdrec -f'];
  const when = (path: readonly string[], children: readonly CommandSpec[]): string => {
    const seen = path.map((w) => `__fish_seen_subcommand_from ${w}`).join('; and ');
    return fishQuote(children.length === 0 ? seen : `${seen}; and not __fish_seen_subcommand_from ${children.map((c) => c.name).join(' ')}`);
  };
  for (const s of specs) lines.push(`complete -c cdrec -n __fish_use_subcommand -a ${s.name} -d ${fishQuote(s.summary)}`);
  for (const { path, spec } of walk(specs)) {
    for (const c of spec.children ?? []) lines.push(`complete -c cdrec -n ${when(path, spec.children ?? [])} -a ${c.name} -d ${fishQuote(c.summary)}`);
    for (const o of spec.options ?? []) {
      const value = !takesValue(o) ? '' : typeof o.value === 'object' ? ` -x -a ${fishQuote(o.value.join(' '))}` : o.value === undefined ? ' -x' : o.value === 'directory' ? ' -x -a \'(__fish_complete_directories)\'' : ' -r -F';
      lines.push(`complete -c cdrec -n ${when(path, [])} -l ${nameOf(o).slice(2)}${value} -d ${fishQuote(o.text)}`);
    }
    const value = (spec.arguments ?? [])[0]?.value;
    if (value !== undefined) lines.push(typeof value === 'object' ? `complete -c cdrec -n ${when(path, [])} -a ${fishQuote(value.join(' '))}` : `complete -c cdrec -n ${when(path, [])} -F`);
  }
  return `${lines.join('\n')}\n`;
}

/** The completions by shell. */
export const COMPLETIONS: Readonly<Record<string, (specs: readonly CommandSpec[]) => string>> = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
