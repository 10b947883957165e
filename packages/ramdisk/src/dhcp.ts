import { findProgram, runTool } from '@cdrec/tool';

/** Programs that get the rescue system an address by DHCP: the first that is installed does it. */
export const DHCP_CLIENTS = ['dhclient', 'dhcpcd', 'udhcpc'] as const;

/** A DHCP client: by what name the rescue system calls it, and which program of the machine it is. */
export interface DhcpClient { readonly name: (typeof DHCP_CLIENTS)[number]; readonly program: string }

/**
 * The DHCP client that the rescue system takes along. A machine whose own network needs none (systemd-networkd, NetworkManager) mostly
 * has BusyBox for its initramfs, and its `udhcpc` in it. `path` is a PATH string; `undefined` where there is neither.
 */
export async function findDhcpClient(path: string): Promise<DhcpClient | undefined> {
  for (const name of DHCP_CLIENTS) {
    const program = findProgram(name, path);
    if (program !== undefined) return { name, program };
  }
  const busybox = findProgram('busybox', path);
  if (busybox === undefined) return undefined;
  const { stdout, status } = await runTool(busybox, ['--list'], { ok: [0, 1] });
  return status === 0 && stdout.split('\n').includes('udhcpc') ? { name: 'udhcpc', program: busybox } : undefined;
}
