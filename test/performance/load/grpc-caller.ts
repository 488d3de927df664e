import {
  type ChannelCredentials,
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { PAYMENTS_PROTO } from '../servers/payments-proto.js';
import type { Caller } from './call-pool.js';
import type { ClientIdentity } from './certificate.js';

interface PaymentsClient extends Client {
  List(message: object, metadata: Metadata, callback: (error: ServiceError | null) => void): unknown;
}

interface PaymentsPackage {
  readonly payments: {
    readonly Payments: new (url: string, channel: ChannelCredentials, options: object) => PaymentsClient;
  };
}

/** A client of gRPC with a connection of its own. */
export class GrpcCaller implements Caller {
  private readonly client: PaymentsClient;
  private readonly metadata = new Metadata();

  constructor(port: number, token: string, { ca, key, cert }: ClientIdentity) {
    const { payments } = loadPackageDefinition(PAYMENTS_PROTO) as unknown as PaymentsPackage;
    const channel = credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert));
    this.client = new payments.Payments(`127.0.0.1:${port}`, channel, {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.use_local_subchannel_pool': 1,
    });
    this.metadata.set('authorization', `Bearer ${token}`);
  }

  async call(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.client.List({}, this.metadata, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    this.client.close();
  }
}
