import type { FhirResource } from 'fhir/r4';
import { Link } from 'react-router';
import type { Column } from './list';
import styles from './list.module.css';

interface ListTableProps<T> {
  /** Names the list, for the keyboard. */
  name: string;
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  included: ReadonlyMap<string, FhirResource>;
  rowKey: (row: T) => string;
  linkOf: (row: T) => string;
  marked: number;
  onMark: (index: number) => void;
  onOpen: (index: number) => void;
}

const NOT_THE_ROW = 'a, button, input, select, label, [role="button"]';

/** The rows: a table on a desk, cards on a phone (by CSS; the mark-up is one). The first column carries the row's link. */
export function ListTable<T>({
  name,
  label,
  columns,
  rows,
  included,
  rowKey,
  linkOf,
  marked,
  onMark,
  onOpen,
}: ListTableProps<T>) {
  return (
    <table className={styles.table} aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.key} scope="col" style={{ width: column.width, textAlign: column.align }}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr
            key={rowKey(row)}
            data-row={`${name}:${index}`}
            className={index === marked ? styles.marked : undefined}
            onClick={(event) => {
              if (event.target instanceof Element && event.target.closest(NOT_THE_ROW)) return;
              if (getSelection()?.toString()) return;
              onMark(index);
              onOpen(index);
            }}
          >
            {columns.map((column, place) => (
              <td
                key={column.key}
                data-title={column.title}
                data-phone={column.phone ?? (place === 0 ? 'heading' : undefined)}
                style={{ textAlign: column.align, whiteSpace: column.whole ? 'nowrap' : undefined }}
              >
                {place === 0 ? (
                  <Link
                    to={linkOf(row)}
                    className={styles.link}
                    onFocus={() => onMark(index)}
                    onClick={() => onMark(index)}
                  >
                    {column.render(row, included)}
                  </Link>
                ) : (
                  column.render(row, included)
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
