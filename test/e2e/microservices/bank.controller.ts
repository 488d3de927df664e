import type { ServerDuplexStream, ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, GrpcStreamMethod } from '@nestjs/microservices';
import {
  AccessToken,
  ClientCertificate,
  type PresentedCertificate,
  Public,
  Scopes,
  SenderConstrained,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { from, interval, last, map, merge, type Observable } from 'rxjs';

export interface Message {
  readonly text: string;
}

/** The names of the handlers that have run. */
export const ran: string[] = [];

@Controller()
@Scopes('payments')
export class BankController {
  @GrpcMethod('Payments', 'Pay') pay(
    _message: Message,
    @AccessToken() token: VerifiedAccessToken,
    @ClientCertificate() certificate?: PresentedCertificate,
  ): Message {
    ran.push('Pay');
    return { text: `${token.subject} ${certificate?.subject.replace('\n', ' ')}` };
  }
  @GrpcMethod('Payments', 'Watch') watch({ text }: Message): Observable<Message> {
    ran.push('Watch');
    return text === 'endless' ? interval(5).pipe(map((n) => ({ text: `${n}` }))) : from([{ text }, { text }]);
  }
  @GrpcStreamMethod('Payments', 'Collect') collect(messages: Observable<Message>): Observable<Message> {
    ran.push('Collect');
    return messages.pipe(last());
  }
  @GrpcStreamMethod('Payments', 'Talk') talk(messages: Observable<Message>): Observable<Message> {
    ran.push('Talk');
    return merge(messages);
  }
  @GrpcStreamCall('Payments', 'CollectRaw') collectRaw(
    stream: ServerReadableStream<Message, Message>,
    callback: sendUnaryData<Message>,
  ): void {
    ran.push('CollectRaw');
    let text = '';
    stream.on('data', (message: Message) => {
      text += message.text;
    });
    stream.on('end', () => callback(null, { text }));
  }
  @GrpcStreamCall('Payments', 'TalkRaw') talkRaw(stream: ServerDuplexStream<Message, Message>): void {
    ran.push('TalkRaw');
    stream.on('data', (message: Message) => stream.write(message));
    stream.on('end', () => stream.end());
  }
  @GrpcMethod('Payments', 'Open') @Public() open(_message: Message, @AccessToken() token?: object): Message {
    ran.push('Open');
    return { text: token === undefined ? 'nobody' : 'somebody' };
  }
}

/** For apps that accept proofs: elsewhere it stops the boot. */
@Controller()
export class ProvedController {
  @GrpcMethod('Payments', 'Proved') @SenderConstrained('dpop') proved(): Message {
    ran.push('Proved');
    return { text: 'proved' };
  }
}
