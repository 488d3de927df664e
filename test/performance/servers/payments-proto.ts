import { fromJSON } from '@grpc/proto-loader';

/** The service of gRPC that is measured, as server and clients load it. */
export const PAYMENTS_PROTO = fromJSON({
  nested: {
    payments: {
      nested: {
        Request: { fields: {} },
        Answer: { fields: { status: { type: 'string', id: 1 } } },
        Payments: { methods: { List: { requestType: 'Request', responseType: 'Answer', comment: '' } } },
      },
    },
  },
});
