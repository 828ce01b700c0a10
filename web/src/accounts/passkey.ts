/**
 * Passkeys as the browser makes and shows them (W3C Web Authentication Level 2). The server speaks JSON with base64url, the browser byte arrays;
 * turned by hand, since hospital browsers are not new enough to do it themselves.
 */

type Json = Record<string, unknown>;

export const passkeysWork = (): boolean => typeof PublicKeyCredential === 'function';

/** The person closed the browser's window, or took too long. */
export const wasCancelled = (error: unknown): boolean =>
  error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError');

export async function makePasskey(options: Json): Promise<Json> {
  const user = options.user as Json;
  const made = (await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...user, id: bytes(user.id) },
      excludeCredentials: known(options.excludeCredentials),
    } as unknown as PublicKeyCredentialCreationOptions,
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return credential(made, {
    clientDataJSON: text(response.clientDataJSON),
    attestationObject: text(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

export async function showPasskey(options: Json): Promise<Json> {
  const shown = (await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: known(options.allowCredentials),
    } as unknown as PublicKeyCredentialRequestOptions,
  })) as PublicKeyCredential;
  const response = shown.response as AuthenticatorAssertionResponse;
  return credential(shown, {
    clientDataJSON: text(response.clientDataJSON),
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
    userHandle: response.userHandle ? text(response.userHandle) : null,
  });
}

const known = (listed: unknown): unknown[] =>
  ((listed as Json[] | undefined) ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const credential = (made: PublicKeyCredential, response: Json): Json => ({
  id: made.id,
  rawId: text(made.rawId),
  type: made.type,
  response,
  clientExtensionResults: {},
});

export function bytes(base64url: unknown): Uint8Array {
  const plain = atob(String(base64url).replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

export function text(buffer: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join('');
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
