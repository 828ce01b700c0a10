import { Input, Segmented, Select } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useLocale } from '../locale/locale';
import type { Choice, Filter } from './list';
import styles from './list.module.css';

interface FilterBarProps {
  filters: readonly Filter[];
  get: (name: string) => string;
  set: (name: string, value: string) => void;
  children?: ReactNode;
}

export function FilterBar({ filters, get, set, children }: FilterBarProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers on older hospital desktops do not know <search>.
    <div className={styles.filters} role="search">
      {filters.map((filter) => (
        <FilterField
          key={filter.name}
          filter={filter}
          value={get(filter.name)}
          onChange={(value) => set(filter.name, value)}
        />
      ))}
      {children}
    </div>
  );
}

function labelOf(choice: Choice): string {
  return choice.count === undefined ? choice.label : `${choice.label} ${choice.count}`;
}

function FilterField({
  filter,
  value,
  onChange,
}: {
  filter: Filter;
  value: string;
  onChange: (value: string) => void;
}) {
  if (filter.kind === 'text') return <TextFilter filter={filter} value={value} onChange={onChange} />;
  const options = filter.choices.map((choice) => ({ value: choice.value, label: labelOf(choice) }));
  if (filter.kind === 'tabs') {
    return (
      <Segmented
        className={styles.tabs ?? ''}
        aria-label={filter.label}
        options={options}
        value={value}
        onChange={(next) => onChange(String(next))}
      />
    );
  }
  return (
    <Select
      aria-label={filter.label}
      className={styles.choice ?? ''}
      popupMatchSelectWidth={false}
      options={options}
      value={value}
      onChange={onChange}
    />
  );
}

const AFTER_TYPING_MS = 350;

function TextFilter({
  filter,
  value,
  onChange,
}: {
  filter: Extract<Filter, { kind: 'text' }>;
  value: string;
  onChange: (value: string) => void;
}) {
  const { t } = useLocale();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text.trim()), AFTER_TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <Input
      className={styles.text ?? ''}
      aria-label={filter.label}
      title={t('list.slash')}
      placeholder={filter.placeholder ?? filter.label}
      allowClear
      data-slash="page"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' || event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Enter') onChange(text.trim());
      }}
    />
  );
}
