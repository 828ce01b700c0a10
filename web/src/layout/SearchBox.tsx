import { SearchOutlined } from '@ant-design/icons';
import { Input } from 'antd';
import type { Patient } from 'fhir/r4';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { mainIdentifier, masked, patientAge, patientName, sexText } from '../fhir/patient';
import { useLocale } from '../locale/locale';
import { useReading } from '../page/reading';
import { findPatients } from '../patients/find';
import { enoughToAsk } from '../patients/search';
import styles from './layout.module.css';

const AFTER_TYPING_MS = 250;
const SHOWN = 8;

/** The one search box: as one types the first matches; arrows and Enter open one, Enter alone shows the whole list. */
export function SearchBox() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);

  useEffect(() => {
    const timer = setTimeout(() => setAsked(enoughToAsk(text) ? text.trim() : ''), AFTER_TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);

  const reading = useReading(
    ['patients', 'suggest', asked],
    (signal) => findPatients(asked, { _count: SHOWN, _total: 'accurate' }, signal),
    {
      enabled: asked !== '',
    },
  );
  const current = asked !== '' && asked === text.trim();
  const found = current && reading.state === 'here' ? reading.value : null;
  const rows = found?.matches.slice(0, SHOWN) ?? [];
  const shown = open && current && reading.state !== 'loading';

  function go(address: string): void {
    setOpen(false);
    setText('');
    setAt(-1);
    (document.activeElement as HTMLElement | null)?.blur();
    void navigate(address);
  }

  function onKey(event: KeyboardEvent<HTMLInputElement>): void {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setAt((old) => Math.min(Math.max(old + step, -1), rows.length - 1));
    }
    if (event.key === 'Escape') {
      event.currentTarget.blur();
      setOpen(false);
    }
    if (event.key === 'Enter' && !event.nativeEvent.isComposing && text.trim()) {
      const row = rows[at] ?? (rows.length === 1 ? rows[0] : undefined);
      go(row ? `/patients/${row.id ?? ''}` : `/patients?q=${encodeURIComponent(text.trim())}`);
    }
  }

  return (
    <div className={styles.search}>
      <Input
        role="combobox"
        aria-expanded={shown}
        aria-controls="top-results"
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 ? `top-result-${at}` : undefined}
        aria-label={t('top.search.label')}
        title={t('top.search.hint')}
        placeholder={t('top.search')}
        prefix={<SearchOutlined aria-hidden />}
        data-slash="top"
        autoComplete="off"
        allowClear
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(-1);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKey}
      />
      {shown && (
        <div className={styles.results} id="top-results" role="listbox" aria-label={t('top.search.label')}>
          {rows.map((patient, index) => (
            <Option
              key={patient.id}
              patient={patient}
              index={index}
              selected={index === at}
              onChoose={() => go(`/patients/${patient.id ?? ''}`)}
            />
          ))}
          {rows.length === 0 && (
            <div className={styles.resultsNote} role="status">
              {t(reading.state === 'failed' ? 'problem.unreachable' : 'top.search.none')}
            </div>
          )}
          {found && (found.total ?? 0) > rows.length && (
            <div className={styles.resultsNote}>
              <button type="button" className="link" onMouseDown={() => go(`/patients?q=${encodeURIComponent(asked)}`)}>
                {t('top.search.all', { n: found.total ?? 0 })}
              </button>
            </div>
          )}
        </div>
      )}
    </div>
  );
}

interface OptionProps {
  patient: Patient;
  index: number;
  selected: boolean;
  onChoose: () => void;
}

function Option({ patient, index, selected, onChoose }: OptionProps) {
  const { t } = useLocale();
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: in a combobox the field keeps the focus (ARIA combobox pattern).
    <div id={`top-result-${index}`} role="option" aria-selected={selected} onMouseDown={onChoose}>
      <strong>{patientName(patient) || t('patient.unnamed')}</strong>
      <span>
        {sexText(patient, t)} {patientAge(patient, new Date(), t)}
      </span>
      <span className="quiet">{masked(mainIdentifier(patient)?.value)}</span>
    </div>
  );
}
