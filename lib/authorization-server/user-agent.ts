/** Who calls, name and version of this package (RFC 9110 §10.1.5): some firewalls answer 403 to those who do not say. */
export const USER_AGENT = 'nestjs-cert-bound-auth/0.1.0';
