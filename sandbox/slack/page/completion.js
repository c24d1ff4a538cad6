// What the composer offers while one types: commands after "/", people after "@".

/**
 * @returns {null | {kind: "command" | "person" | "usage", items: object[], start: number}} for the text before the caret;
 * `start` is where the completed word begins. "usage" reminds of a command's arguments and cannot be chosen.
 */
export function completionFor(world, text, caret, inThread) {
  const before = text.slice(0, caret);
  const typedCommand = before.match(/^\/(\S*)$/);
  if (typedCommand && !inThread) {
    const items = world.commands.filter((one) => one.command.slice(1).startsWith(typedCommand[1].toLowerCase()));
    return items.length ? { kind: "command", items, start: 0 } : null;
  }
  const arguments_ = before.match(/^(\/\S+)\s/);
  if (arguments_ && !inThread) {
    const items = world.commands.filter((one) => one.command === arguments_[1]);
    return items.length ? { kind: "usage", items, start: 0 } : null;
  }
  const mention = before.match(/(?:^|\s)@([\w.-]*)$/);
  if (!mention) return null;
  const wanted = mention[1].toLowerCase();
  const items = [...world.people.values()].filter((one) =>
    `${one.name} ${one.real_name}`.toLowerCase().includes(wanted),
  );
  return items.length ? { kind: "person", items, start: caret - mention[1].length - 1 } : null;
}

export const completed = (kind, item) => (kind === "command" ? `${item.command} ` : `@${item.name} `);
