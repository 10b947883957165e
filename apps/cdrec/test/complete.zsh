# Types words into an interactive zsh, presses Tab after each, and prints what stands there then.
# usage: zsh -f complete.zsh COMPLETIONS WORDS...
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=''; stty cols 200; unsetopt zle_bracketed_paste prompt_sp; LISTMAX=0; cdrec() { : }; autoload -Uz compinit; compinit -u -D; source $1; echo RE''ADY"
out=''
while zpty -r z line; do
  out+=$line
  [[ $out == *READY* ]] && break
done
for word in "${@:2}"; do
  zpty -w -n z $'\x15'"$word"$'\t'
  got=''
  for i in {1..30}; do
    sleep 0.1
    while zpty -rt z line; do got+=$line; i=1; done
    [[ $got == *"$word"* && $i -gt 15 ]] && break
  done
  print -r -- "$word => ${${got//[$'\x07\x08\r\n']/}##*$word}"
done
zpty -d z
