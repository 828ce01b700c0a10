import { call } from '../accounts/calls';

/** Applications that are opened with a patient: `/oauth2/launch…`, by the session cookie. SMART App Launch 2. */

export interface Application {
  id: string;
  name: string;
}

export interface Opening {
  client: string;
  /** References: "Patient/…", "Encounter/…"; about: the referral whose page it is. */
  patient: string;
  encounter?: string;
  about?: string[];
}

export async function offered(signal: AbortSignal): Promise<Application[]> {
  return (await call<{ applications: Application[] }>('launches', { signal })).applications ?? [];
}

/** The address to open. */
export async function opening(what: Opening): Promise<string> {
  return (await call<{ location: string }>('launch', { body: what })).location;
}

/** How an application that came by itself is called. */
export async function nameOf(client: string, signal: AbortSignal): Promise<string> {
  return (await call<{ name: string }>(`launch/patient?${new URLSearchParams({ client })}`, { signal })).name;
}

/** The launch value for an application that came by itself. */
export async function chosen(client: string, patient: string): Promise<string> {
  return (await call<{ launch: string }>('launch/patient', { body: { client, patient } })).launch;
}
