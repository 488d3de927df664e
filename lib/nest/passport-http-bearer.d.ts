// @types/passport-http-bearer brings Koa's types, which break without skipLibCheck. This is what is used here.
declare module 'passport-http-bearer' {
  export class Strategy {
    constructor(options: { readonly passReqToCallback: true }, verify: (...args: never[]) => void);
    authenticate(request: object, options?: object): void;
    success(user: object, info?: object): void;
    fail(challenge?: string | number, status?: number): void;
    error(error: unknown): void;
    pass(): void;
  }
}
