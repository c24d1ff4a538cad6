// Where the options of a select menu come from.
import { html, useContext, useEffect, useState, World } from "../view.js";

const TYPING_PAUSE_MS = 120;
const DEFAULT_MIN_QUERY_LENGTH = 3;

const option = (text, value, description) => ({
  text: { type: "plain_text", text },
  value,
  ...(description && { description: { type: "plain_text", text: description } }),
});
const matches = (one, query) => one.text.text.toLowerCase().includes(query.toLowerCase());
const ungrouped = (options) => [{ options }];

const sourceOf = (element) => element.type.replace(/^multi_/, "").replace(/_select$/, "");

/** The option that stands for a person or channel id. */
export function entityOption(world, kind, id) {
  if (kind === "users") return option(world.name(id), id);
  const channel = world.channels.get(id);
  return option(channel?.is_im ? world.name(channel.user) : `#${channel?.name ?? id}`, id);
}

function localGroups(world, element) {
  const kind = sourceOf(element);
  if (kind === "users") {
    return ungrouped([...world.people.values()].map((one) => option(one.real_name || one.name, one.id, one.title)));
  }
  if (kind === "channels" || kind === "conversations") {
    const channels = [...world.channels.values()].filter((one) => kind === "conversations" || !one.is_im);
    return ungrouped(channels.map((one) => entityOption(world, kind, one.id)));
  }
  return (
    element.option_groups?.map((group) => ({ label: group.label.text, options: group.options })) ??
    ungrouped(element.options ?? [])
  );
}

function useSuggestions(element, suggest, query, open) {
  const [found, setFound] = useState({ groups: [], loading: true });
  const enough = query.length >= (element.min_query_length ?? DEFAULT_MIN_QUERY_LENGTH);
  const external = sourceOf(element) === "external";

  useEffect(() => {
    if (!external || !open || !enough) return undefined;
    let stale = false;
    setFound((before) => ({ ...before, loading: true }));
    const timer = setTimeout(
      async () => {
        const answer = await suggest(query);
        if (stale) return;
        const groups = answer.option_groups?.map((group) => ({ label: group.label.text, options: group.options }));
        setFound({
          groups: groups ?? ungrouped(answer.options ?? []),
          loading: false,
          problem: answer.ok ? null : (answer.message ?? answer.error),
        });
      },
      query ? TYPING_PAUSE_MS : 0,
    );
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [external, open, enough, query]);

  return { ...found, enough };
}

/** `{groups: [{label?, options}], note}` for what has been typed; `note` is what to say when no option is listed. */
export function useOptions(element, suggest, query, open) {
  const world = useContext(World);
  const suggestions = useSuggestions(element, suggest, query, open);
  const none = html`<span>Nothing matches “${query}”</span>`;
  if (sourceOf(element) === "external") {
    const { groups, loading, problem, enough } = suggestions;
    const least = element.min_query_length ?? DEFAULT_MIN_QUERY_LENGTH;
    if (!enough) return { groups: [], note: `Type ${least} or more characters to search` };
    const empty = groups.every((group) => !group.options.length);
    return {
      groups,
      loading,
      note: empty ? (loading ? "Searching…" : (problem ?? (query ? none : "Nothing to choose from"))) : null,
    };
  }
  const groups = localGroups(world, element)
    .map((group) => ({ ...group, options: group.options.filter((one) => matches(one, query)) }))
    .filter((group) => group.options.length);
  return { groups, note: groups.length ? null : none };
}
