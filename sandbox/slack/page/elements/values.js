// The value an element holds before anyone touches it, in the shape Slack reports it; null for elements without one.

const INITIAL = {
  plain_text_input: (one) => ({ value: one.initial_value ?? null }),
  email_text_input: (one) => ({ value: one.initial_value ?? null }),
  url_text_input: (one) => ({ value: one.initial_value ?? null }),
  number_input: (one) => ({ value: one.initial_value ?? null }),
  rich_text_input: () => ({ rich_text_value: null }),
  static_select: (one) => ({ selected_option: one.initial_option ?? null }),
  external_select: (one) => ({ selected_option: one.initial_option ?? null }),
  radio_buttons: (one) => ({ selected_option: one.initial_option ?? null }),
  users_select: (one) => ({ selected_user: one.initial_user ?? null }),
  channels_select: (one) => ({ selected_channel: one.initial_channel ?? null }),
  conversations_select: (one) => ({ selected_conversation: one.initial_conversation ?? null }),
  multi_static_select: (one) => ({ selected_options: one.initial_options ?? [] }),
  multi_external_select: (one) => ({ selected_options: one.initial_options ?? [] }),
  checkboxes: (one) => ({ selected_options: one.initial_options ?? [] }),
  multi_users_select: (one) => ({ selected_users: one.initial_users ?? [] }),
  multi_channels_select: (one) => ({ selected_channels: one.initial_channels ?? [] }),
  multi_conversations_select: (one) => ({ selected_conversations: one.initial_conversations ?? [] }),
  datepicker: (one) => ({ selected_date: one.initial_date ?? null }),
  timepicker: (one) => ({ selected_time: one.initial_time ?? null }),
  datetimepicker: (one) => ({ selected_date_time: one.initial_date_time ?? null }),
};

export function initialValue(element) {
  const value = INITIAL[element.type]?.(element);
  return value ? { type: element.type, ...value } : null;
}

/** What stands in the one field of a value besides its type: a string, an option, a list, or null. */
export const content = (value) => Object.entries(value).find(([field]) => field !== "type")[1];

/** Is nothing entered? */
export function isEmpty(value) {
  const held = content(value);
  return held === null || held === undefined || held.length === 0;
}

const RULES = {
  plain_text_input(text, { min_length: min, max_length: max }) {
    if (min && text.length < min) return `Enter at least ${min} characters.`;
    return max && text.length > max ? `Enter at most ${max} characters.` : null;
  },
  email_text_input: (text) =>
    /^\S+@\S+\.\S+$/.test(text) ? null : "Enter an email address, such as name@example.com.",
  url_text_input: (text) => (URL.canParse(text) ? null : "Enter a full address, such as https://example.com."),
  number_input(text, { is_decimal_allowed: decimal, min_value: min, max_value: max }) {
    if (!(decimal ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/).test(text))
      return decimal ? "Enter a number." : "Enter a whole number.";
    if (min !== undefined && Number(text) < Number(min)) return `Enter ${min} or more.`;
    return max !== undefined && Number(text) > Number(max) ? `Enter ${max} or less.` : null;
  },
};

/** What a person must correct before an input block can be sent, or null. */
export function complaint(block, value) {
  if (isEmpty(value)) return block.optional ? null : "Please complete this required field.";
  return RULES[value.type]?.(content(value), block.element) ?? null;
}
