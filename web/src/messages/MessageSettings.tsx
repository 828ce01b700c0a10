import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Checkbox, Input, Radio, Tag, Tooltip } from 'antd';
import { useState } from 'react';
import { whatHappened } from '../client/problem';
import { type Key, useLocale } from '../locale/locale';
import { Panel } from '../page/Panel';
import { Read, useReading } from '../page/reading';
import {
  changeSettings,
  type Address as Given,
  readSettings,
  type MessageSettings as Settings,
  verifyAddress,
} from './message';
import styles from './messages.module.css';

const KEY = ['message-settings'];
const HOURS = /^([01]\d|2[0-3]):[0-5]\d$/;

/** 消息提醒, under 我的账号: by which ways one is told besides, where, and when not. */
export function MessageSettings() {
  const { t } = useLocale();
  const reading = useReading(KEY, readSettings, { staleTime: 0 });
  return (
    <Panel title={t('message-settings.title')}>
      <div className={styles.settings}>
        <Read of={reading} what={t('message-settings.title')}>
          {(settings) => <Shown settings={settings} />}
        </Read>
      </div>
    </Panel>
  );
}

function Shown({ settings }: { settings: Settings }) {
  const { t, lang } = useLocale();
  const { message } = App.useApp();
  const queries = useQueryClient();

  const change = (name: 'choice' | 'address' | 'quiet' | 'digest', value: string) =>
    done(changeSettings(name, value), t('message-settings.saved'));
  async function done(changed: Promise<Settings>, words: string) {
    try {
      queries.setQueryData(KEY, await changed);
      void message.success(words);
    } catch (problem) {
      void message.error(whatHappened(problem, t, lang));
    }
  }

  const channels = settings.addresses.map((one) => one.channel);
  if (channels.length === 0) return <p className="quiet">{t('message-settings.none')}</p>;
  const kinds = [...new Set(settings.choices.map((one) => one.kind))];
  return (
    <>
      <p className="quiet">{t('message-settings.how')}</p>
      <table className={styles.choices}>
        <thead>
          <tr>
            <th scope="col">{t('messages.kind')}</th>
            {channels.map((channel) => (
              <th key={channel} scope="col">
                {t(`deliveries.channel.${channel}` as Key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {kinds.map((kind) => (
            <tr key={kind}>
              <th scope="row">{t(`messages.kind.${kind}` as Key)}</th>
              {channels.map((channel) => {
                const one = settings.choices.find((choice) => choice.kind === kind && choice.channel === channel);
                if (!one) return <td key={channel} />;
                const box = (
                  <Checkbox
                    checked={one.wanted}
                    aria-label={`${t(`messages.kind.${kind}` as Key)} ${t(`deliveries.channel.${channel}` as Key)}`}
                    onChange={({ target }) => void change('choice', `${kind}|${channel}|${target.checked}`)}
                  />
                );
                return (
                  <td key={channel}>
                    {box}
                    {one.fixed && (
                      <Tooltip title={t('message-settings.fixed')}>
                        <span className="quiet"> *</span>
                      </Tooltip>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {settings.choices.some((one) => one.fixed) && <p className="quiet">* {t('message-settings.fixed')}</p>}
      {settings.addresses.map((one) => (
        <Address
          key={`${one.channel} ${one.value}`}
          {...one}
          onSave={(value) => change('address', `${one.channel}|${value}`)}
          onCode={() => done(verifyAddress(one.channel), t('message-settings.code.sent'))}
          onProve={(code) => done(verifyAddress(one.channel, code), t('message-settings.verified.now'))}
        />
      ))}
      <Digest settings={settings} onChange={(value) => void change('digest', value)} />
      <Quiet settings={settings} onChange={(value) => void change('quiet', value)} />
    </>
  );
}

interface AddressProps extends Given {
  onSave: (value: string) => Promise<void>;
  onCode: () => Promise<void>;
  onProve: (code: string) => Promise<void>;
}

function Address({ channel, own, value, verified, onSave, onCode, onProve }: AddressProps) {
  const { t } = useLocale();
  const [text, setText] = useState(value);
  const [busy, setBusy] = useState(false);
  const name = t(`message-settings.address.${channel}` as Key);
  return (
    <form
      className={styles.address}
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        void onSave(text).finally(() => setBusy(false));
      }}
    >
      <label htmlFor={`address-${channel}`}>{name}</label>
      <Input id={`address-${channel}`} value={text} maxLength={200} onChange={({ target }) => setText(target.value)} />
      <Button
        htmlType="submit"
        loading={busy}
        disabled={text === value}
        aria-label={`${t('message-settings.save')} ${name}`}
      >
        {t('message-settings.save')}
      </Button>
      {value && own ? (
        <Tag color={verified ? 'green' : 'orange'}>
          {t(verified ? 'message-settings.verified' : 'message-settings.unverified')}
        </Tag>
      ) : (
        <span className="quiet">
          {t(value ? 'message-settings.address.of-record' : 'message-settings.address.empty')}
        </span>
      )}
      {value && own && !verified && <Proof name={name} onCode={onCode} onProve={onProve} />}
    </form>
  );
}

interface ProofProps {
  /** Of the address, for who hears the page. */
  name: string;
  onCode: () => Promise<void>;
  onProve: (code: string) => Promise<void>;
}

/** A code is sent to the new address and typed in here; until then nothing else goes there. */
function Proof({ name, onCode, onProve }: ProofProps) {
  const { t } = useLocale();
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState('');
  const whole = /^\d{6}$/.test(code.trim());
  const doing = (what: string, task: Promise<void>) => {
    setBusy(what);
    void task.finally(() => setBusy(''));
  };
  return (
    <span className={styles.proof}>
      <Button
        loading={busy === 'send'}
        aria-label={`${t('message-settings.code.send')} ${name}`}
        onClick={() => doing('send', onCode())}
      >
        {t('message-settings.code.send')}
      </Button>
      <Input
        aria-label={`${t('message-settings.code')} ${name}`}
        placeholder={t('message-settings.code')}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={6}
        value={code}
        onChange={({ target }) => setCode(target.value)}
        onPressEnter={(event) => {
          event.preventDefault();
          if (whole) doing('prove', onProve(code.trim()));
        }}
      />
      <Button
        type="primary"
        loading={busy === 'prove'}
        disabled={!whole}
        aria-label={`${t('message-settings.code.check')} ${name}`}
        onClick={() => doing('prove', onProve(code.trim()))}
      >
        {t('message-settings.code.check')}
      </Button>
      <span className="quiet">{t('message-settings.unverified.how')}</span>
    </span>
  );
}

/** 每日摘要: at one time of the day, or each message by itself. */
function Digest({ settings, onChange }: { settings: Settings; onChange: (value: string) => void }) {
  const { t } = useLocale();
  const { digest, digestIsOwn } = settings;
  const [at, setAt] = useState(digest === 'never' ? '08:00' : digest);
  const now = digestIsOwn ? (digest === 'never' ? 'never' : 'own') : 'region';
  return (
    <fieldset className={styles.quietHours}>
      <legend>{t('message-settings.digest')}</legend>
      <Radio.Group
        value={now}
        onChange={({ target }) => onChange(target.value === 'own' ? at : String(target.value))}
        options={[
          {
            value: 'region',
            label:
              now === 'region' && digest !== 'never'
                ? t('message-settings.digest.region.at', { at: digest })
                : t('message-settings.quiet.region'),
          },
          { value: 'own', label: t('message-settings.digest.own') },
          { value: 'never', label: t('message-settings.digest.never') },
        ]}
      />
      {now === 'own' && (
        <span className={styles.hours}>
          <Input
            type="time"
            aria-label={t('message-settings.digest.at')}
            value={at}
            onChange={({ target }) => setAt(target.value)}
          />
          <Button disabled={!HOURS.test(at) || at === digest} onClick={() => onChange(at)}>
            {t('message-settings.save')}
          </Button>
        </span>
      )}
      <p className="quiet">{t('message-settings.digest.how')}</p>
    </fieldset>
  );
}

function Quiet({ settings, onChange }: { settings: Settings; onChange: (value: string) => void }) {
  const { t } = useLocale();
  const { quiet, quietIsOwn } = settings;
  const [from, to] = quiet === 'never' ? ['22:00', '07:00'] : quiet.split('-');
  const [begins, setBegins] = useState(from ?? '');
  const [ends, setEnds] = useState(to ?? '');
  const now = quietIsOwn ? (quiet === 'never' ? 'never' : 'own') : 'region';
  const right = HOURS.test(begins) && HOURS.test(ends);
  return (
    <fieldset className={styles.quietHours}>
      <legend>{t('message-settings.quiet')}</legend>
      <Radio.Group
        value={now}
        onChange={({ target }) => onChange(target.value === 'own' ? `${begins}-${ends}` : String(target.value))}
        options={[
          { value: 'region', label: t('message-settings.quiet.region') },
          { value: 'own', label: t('message-settings.quiet.own') },
          { value: 'never', label: t('message-settings.quiet.never') },
        ]}
      />
      {now === 'own' ? (
        <span className={styles.hours}>
          <Input
            type="time"
            aria-label={t('message-settings.quiet.from')}
            value={begins}
            onChange={({ target }) => setBegins(target.value)}
          />
          –
          <Input
            type="time"
            aria-label={t('message-settings.quiet.to')}
            value={ends}
            onChange={({ target }) => setEnds(target.value)}
          />
          <Button disabled={!right || `${begins}-${ends}` === quiet} onClick={() => onChange(`${begins}-${ends}`)}>
            {t('message-settings.save')}
          </Button>
        </span>
      ) : (
        quiet !== 'never' && <span className="quiet">{t('message-settings.quiet.now', { hours: quiet })}</span>
      )}
      <p className="quiet">{t('message-settings.quiet.urgent')}</p>
    </fieldset>
  );
}
