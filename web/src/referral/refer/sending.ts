import type { Parameters, ServiceRequest, Task } from 'fhir/r4';
import { operate } from '../../client/client';
import { versionOf } from '../task';
import type { ReferForm } from './form';
import type { Start } from './start';
import { draftParameters, type Frame, referParameters, requestOf, type Signed } from './writing';

/** Sends the form: a new referral with `$refer`, a draft with `$act`. Answers with the Task as the server keeps it. */
export async function send(
  form: ReferForm,
  { start, frame, names, signed }: { start: Start; frame: Frame; names: ReadonlyMap<string, string>; signed: Signed },
  submit: boolean,
): Promise<Task> {
  if (start.kind === 'draft') {
    const parameters = draftParameters(submit ? 'submit' : 'revise', form, frame, start.request, signed, names);
    return operate<Task>(`Task/${start.task.id ?? ''}/$act`, parameters, versionOf(start.task));
  }
  const answer = await operate<Parameters>(
    'ServiceRequest/$refer',
    referParameters(form, requestOf(form, frame, names) as ServiceRequest, submit),
  );
  return answer.parameter?.find((one) => one.name === 'task')?.resource as Task;
}
