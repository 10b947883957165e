import { existsSync, readFileSync } from 'node:fs';
import { CdrecError } from '@cdrec/tool';

const KEY = /^(?:[a-z-]+(?:="[^"]*")?(?:,[a-z-]+(?:="[^"]*")?)* )?(ssh-(ed25519|rsa|dss)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+(\s.*)?$/;

/**
 * authorized_keys from \`rescue.ssh_keys\`: each item a public key itself, or a file of such. Comments and empty lines are
 * left out.
 * @throws CdrecError SSH_KEY naming the item that is no public key - also when it is a private one
 */
export function authorizedKeys(items: readonly string[]): string {
  const lines = items.flatMap((item) => {
    if (KEY.test(item.trim())) return [item.trim()];
    if (!item.startsWith('/')) throw new CdrecError('SSH_KEY', `rescue.ssh_keys: "${item.slice(0, 40)}" is neither a public key nor the absolute path of a file with some`);
    if (!existsSync(item)) throw new CdrecError('SSH_KEY', `rescue.ssh_keys: ${item} does not exist`);
    const text = readFileSync(item, 'utf8');
    if (text.includes('PRIVATE KEY')) throw new CdrecError('SSH_KEY', `rescue.ssh_keys: ${item} is a private key; it does not belong on a medium`, { hint: `name ${item}.pub` });
    const keys = text.split('\n').map((l) => l.trim()).filter((l) => l !== '' && !l.startsWith('#'));
    const wrong = keys.find((k) => !KEY.test(k));
    if (wrong !== undefined) throw new CdrecError('SSH_KEY', `rescue.ssh_keys: ${item} has a line that is no public key: "${wrong.slice(0, 40)}"`);
    return keys;
  });
  return [...new Set(lines)].map((l) => `${l}\n`).join('');
}

/** Places of programs that newer sshd's start by themselves (OpenSSH 9.8 and later). */
export const SSHD_PARTS = ['/usr/lib/openssh/sshd-session', '/usr/lib/openssh/sshd-auth', '/usr/libexec/openssh/sshd-session', '/usr/libexec/openssh/sshd-auth', '/usr/lib/ssh/sshd-session', '/usr/lib/ssh/sshd-auth'] as const;
