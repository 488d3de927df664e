import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AccessToken, Public, Scopes, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';

/** What has been called of the gateways of a test. */
export const ran: string[] = [];

interface Answer {
  readonly event: string;
  readonly data: unknown;
}

/** With `ws` an answer is an event; with socket.io it goes to the acknowledgement. */
export function answerTo(client: object, data: unknown): unknown {
  const answer: Answer = { event: 'answer', data };
  return 'readyState' in client ? answer : data;
}

/** A gateway of which each handler says so when it runs. */
@WebSocketGateway({ path: '/chat' })
export class ChatGateway {
  handleConnection(): void {
    ran.push('connection');
  }

  handleDisconnect(): void {
    ran.push('disconnect');
  }

  @SubscribeMessage('echo') echo(@ConnectedSocket() client: object, @MessageBody() data: unknown): unknown {
    ran.push('echo');
    return answerTo(client, data);
  }

  @SubscribeMessage('who') who(
    @ConnectedSocket() client: object,
    @AccessToken() token: VerifiedAccessToken,
    @AccessToken('clientId') clientId: string,
  ): unknown {
    ran.push('who');
    return answerTo(client, `${token.subject} ${clientId}`);
  }

  @SubscribeMessage('write') @Scopes('chat:write') write(@ConnectedSocket() client: object): unknown {
    ran.push('write');
    return answerTo(client, 'written');
  }

  @SubscribeMessage('open') @Public() open(@ConnectedSocket() client: object): unknown {
    ran.push('open');
    return answerTo(client, 'open');
  }
}
