import { Button } from 'antd';
import { useLocale } from '../locale/locale';

export function LanguageSwitch() {
  const { t, lang, setLang } = useLocale();
  return (
    <Button
      type="text"
      lang={lang === 'zh' ? 'en' : 'zh-CN'}
      aria-label={t('top.lang.label')}
      onClick={() => setLang(lang === 'zh' ? 'en' : 'zh')}
    >
      {t('top.lang')}
    </Button>
  );
}
