import { type Service, startService } from '../../examples/demo/service.ts';

/** What the records of a test zone point to: `stable` and `canary` answer well, `broken` answers with errors. */
export interface CanaryServices {
  port: number;
  stable: string;
  canary: string;
  broken: string;
  stop(): Promise<void>;
}

export async function startCanaryServices(port: number): Promise<CanaryServices> {
  const [stable, canary, broken] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
  const services: Service[] = await Promise.all([
    startService('stable', stable, port),
    startService('canary', canary, port),
    startService('broken', broken, port, false),
  ]);
  return {
    ...{ port, stable, canary, broken },
    stop: async () => {
      await Promise.all(services.map((service) => service.stop()));
    },
  };
}
