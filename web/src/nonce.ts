/**
 * The content security policy takes style sheets that carry the nonce of this page. Ant Design gives it to most of those it makes, but not to the
 * one that stops scrolling behind a window; so each style element gets it as it is made. One that comes as text, in somebody's data, does not.
 */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

if (nonce) {
  const create = document.createElement.bind(document) as (
    name: string,
    options?: ElementCreationOptions,
  ) => HTMLElement;
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const made = create(name, options);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  }) as typeof document.createElement;
}
