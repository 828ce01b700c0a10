import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, type FormInstance, type FormProps, Tag } from 'antd';
import type { FhirResource } from 'fhir/r4';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useNavigate } from 'react-router';
import { type Key, useLocale } from '../../locale/locale';
import { Panel } from '../../page/Panel';
import styles from '../directory.module.css';
import { Changes } from './Changes';
import { EndButton } from './EndButton';
import { addressOfForm, endedOn, isEnded, type Kind } from './kept';
import { StaleAlert } from './StaleAlert';
import type { Keeping } from './useKept';

interface KeptFormProps<Fields> {
  kind: Kind;
  /** What is kept; without an id as long as it is new. */
  one: FhirResource;
  /** How it is called. */
  name: string | undefined;
  /** Whose history is told besides its own: "Location/1". */
  along?: readonly string[];
  form: FormInstance<Fields>;
  keeping: Keeping;
  start: NonNullable<FormProps<Fields>['initialValues']>;
  /** Keeps what was filled in; the id of what was kept. */
  save: (fields: Fields) => Promise<string | undefined>;
  /** Ends it by a day, or uses it again (""); what cannot be ended has none. */
  end?: (day: string) => Promise<unknown>;
  /** The fields. */
  children: ReactNode;
  /** What stands under the form of one that is kept. */
  below?: ReactNode;
}

/** The form of one thing of the directory: heading, ending, what went wrong, fields, who changed what. */
export function KeptForm<Fields>({
  kind,
  one,
  name,
  along = [],
  form,
  keeping,
  start,
  save,
  end,
  children,
  below,
}: KeptFormProps<Fields>) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const said = useRef<HTMLDivElement>(null);
  const { stale, fault } = keeping;
  const ended = endedOn(one);
  // What went wrong stands above the form; whoever pressed the button below it shall see it.
  useEffect(() => {
    if (stale || fault) said.current?.scrollIntoView({ block: 'center' });
  }, [stale, fault]);
  const keep = async (fields: Fields) => {
    let id: string | undefined;
    const kept = await keeping.keep(async () => {
      id = await save(fields);
    });
    if (kept && !one.id) void navigate(addressOfForm(kind, { id: id ?? '' }), { replace: true });
  };
  return (
    <section className={styles.page}>
      <p>
        <Link to={`/directory/keep?kind=${kind}`}>{t('kept.back')}</Link>
      </p>
      <div className={styles.head}>
        <h1>{name || t(`kept.new.${kind}` as Key)}</h1>
        {ended && <Tag>{t('kept.ended.since', { day: ended })}</Tag>}
        <span className={styles.aside}>
          {one.id && end && (
            <EndButton ended={isEnded(one)} busy={keeping.busy} onEnd={(day) => keeping.keep(() => end(day))} />
          )}
        </span>
      </div>
      <div ref={said}>
        {stale && <StaleAlert onReload={() => void queries.invalidateQueries()} />}
        {fault && <Alert type="error" showIcon role="alert" className={styles.alert ?? ''} title={fault} />}
      </div>
      <div className={styles.panels}>
        <Panel title={t(`kept.kind.${kind}` as Key)}>
          <div className={styles.form}>
            <Form<Fields>
              form={form}
              layout="vertical"
              className={styles.grid ?? ''}
              initialValues={start}
              onFinish={(fields) => void keep(fields)}
            >
              {children}
              <div className={styles.submit}>
                <Button type="primary" htmlType="submit" loading={keeping.busy}>
                  {t('settings.save')}
                </Button>
              </div>
            </Form>
            {one.id && below}
          </div>
        </Panel>
        {one.id && <Changes whose={[`${one.resourceType}/${one.id}`, ...along]} />}
      </div>
    </section>
  );
}
