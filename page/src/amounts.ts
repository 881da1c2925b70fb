/** How sizes and dates are written for people. Pure. */

const UNITS = ["kB", "MB", "GB", "TB", "PB"];
const STEP = 1000;

/** Three digits are enough to tell two files apart at a glance. */
export function size(count: number, language: string): string {
  if (count < STEP) return `${count} B`;
  let value = count;
  let unit = "";
  for (unit of UNITS) {
    value /= STEP;
    if (value < STEP - 0.5) break;
  }
  const digits = value < 99.95 ? 1 : 0;
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${value.toLocaleString(language, form)} ${unit}`;
}

/** The hour for what is of today, the day for what is of this year, else the date with its year. */
export function date(moment: string, language: string, now = new Date()): string {
  const at = new Date(moment);
  if (at.toDateString() === now.toDateString()) {
    return at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  }
  const day = { day: "numeric", month: "short" } as const;
  if (at.getFullYear() === now.getFullYear()) return at.toLocaleDateString(language, day);
  return at.toLocaleDateString(language, { ...day, year: "numeric" });
}

export function exactDate(moment: string, language: string): string {
  return new Date(moment).toLocaleString(language, { dateStyle: "medium", timeStyle: "medium" });
}
