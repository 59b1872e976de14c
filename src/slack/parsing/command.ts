import { UserError } from '../../errors.ts';
import { type Parameter, readParameters } from '../../saved/parameters/values.ts';
import { NAME_FORM, readName } from '../../saved/saved-snippets.ts';
import { readTiming, type Timing, TIMING_FORM } from '../../saved/schedules/timing.ts';
import { HELP_TOPICS, type HelpTopic } from '../blocks/help.ts';

/** What a person can ask of the bot besides running code. */
export type Command =
  | { kind: 'help'; topic?: HelpTopic }
  | { kind: 'languages' | 'status' | 'stop' | 'history' | 'kernels' | 'saved' | 'schedules' }
  | { kind: 'use'; language: string }
  | { kind: 'auto'; on: boolean }
  /**
   * `channel`: a name with its `#`, or an id without; absent: the channel of the command. `language`: which of its
   * kernels is meant.
   */
  | KernelCommand
  /** The runs of this thread, or of this channel since midnight, as a notebook. */
  | { kind: 'export'; of: 'thread' | 'today' }
  /** Of saved snippets. */
  | { kind: 'save' | 'forget'; name: string }
  | RunSaved
  | {
      kind: 'schedule';
      name: string;
      timing: Timing;
      parameters: readonly Parameter[];
      onlyOnFailure: boolean;
    }
  /** `schedule` alone: its form. */
  | { kind: 'scheduleForm' }
  | { kind: 'unschedule'; number: number }
  /** Nearly a command: the bot asks whether it was meant as one. */
  | { kind: 'near'; typed: string; meant: string }
  /** The form of a command with a part missing or wrong; `sentence` says what would be right. */
  | { kind: 'malformed'; sentence: string };

export interface KernelCommand {
  kind: 'restart' | 'shutdown';
  channel?: string;
  language?: string;
}

/** `typed`: the whole text, which may be meant as code if nothing is saved under the name. */
export interface RunSaved {
  kind: 'run';
  name: string;
  parameters: readonly Parameter[];
  typed: string;
}

const LANGUAGE_WORD = /^[\p{L}\p{N}.+#_-]+$/u;

interface CommandForm {
  /** The word alone. */
  alone: Command;
  /** The word followed by one argument. */
  with?: (argument: string) => Command | undefined;
}

/** Commands of one or two words; `run`, `schedule`, `restart` and `shutdown` may have more. */
const FORMS: ReadonlyMap<string, CommandForm> = new Map(
  Object.entries<CommandForm>({
    help: { alone: { kind: 'help' }, with: readTopic },
    languages: { alone: { kind: 'languages' } },
    status: { alone: { kind: 'status' } },
    stop: { alone: { kind: 'stop' } },
    history: { alone: { kind: 'history' } },
    kernels: { alone: { kind: 'kernels' } },
    saved: { alone: { kind: 'saved' } },
    schedules: { alone: { kind: 'schedules' } },
    restart: { alone: { kind: 'restart' } },
    shutdown: { alone: { kind: 'shutdown' } },
    use: {
      alone: malformed('Say which language: use python2. The command languages lists them.'),
      with: (language) => (LANGUAGE_WORD.test(language) ? { kind: 'use', language } : undefined),
    },
    auto: { alone: malformed('Use auto on or auto off.'), with: readAuto },
    save: {
      alone: malformed(
        'Give it a name: save daily-report keeps the code of your last run here. Nothing was saved.',
      ),
      with: (argument) => readNamed('save', argument),
    },
    run: {
      alone: malformed(
        'Say which saved snippet: run daily-report. The command saved lists them. Nothing ran.',
      ),
    },
    forget: {
      alone: malformed(
        'Say which saved snippet: forget daily-report. The command saved lists them. Nothing was changed.',
      ),
      with: (argument) => readNamed('forget', argument),
    },
    export: {
      alone: { kind: 'export', of: 'thread' },
      with: (of) => (of.toLowerCase() === 'today' ? { kind: 'export', of: 'today' } : undefined),
    },
    schedule: { alone: { kind: 'scheduleForm' } },
    unschedule: {
      alone: malformed('Say which one: unschedule 2. The command schedules lists them. Nothing was changed.'),
      with(argument) {
        const [, number] = /^#?(\d{1,4})$/.exec(argument) ?? [];
        return number === undefined ? undefined : { kind: 'unschedule', number: Number(number) };
      },
    },
  }),
);

/** The first word of every command. */
export const COMMAND_WORDS: readonly string[] = [...FORMS.keys()];

const BANG_WORDS: readonly string[] = ['stop', 'restart', 'status', 'help', 'export', 'save'];

/**
 * Reads a text whose whole form is that of a command. Everything else is code: `help me`, `stop = 1`, `status()`. Case
 * does not count, because phones begin a text with a capital.
 */
export function readCommand(text: string): Command | undefined {
  const typed = text.trim();
  const [word = '', argument, ...more] = typed.split(/[ \t]+/);
  const lower = word.toLowerCase();
  if (lower === 'run' && argument !== undefined) return readRun(typed);
  if (lower === 'schedule' && argument !== undefined) return readSchedule(typed);
  if ((lower === 'restart' || lower === 'shutdown') && argument !== undefined)
    return readKernelCommand(lower, [argument, ...more]);
  if (more.length > 0) return undefined;
  const form = FORMS.get(lower);
  return argument === undefined ? form?.alone : form?.with?.(argument);
}

/**
 * `!stop`, `!restart`, `!status`, `!help`, `!export`, `!save name`: commands for the bot's threads, where Slack allows
 * no slash commands.
 */
export function readBangCommand(text: string): Command | undefined {
  const typed = text.trim();
  const word = bangWord(typed);
  if (word === undefined || !BANG_WORDS.includes(word)) return undefined;
  return readCommand(typed.slice(1)) ?? (word === 'save' ? malformed(NAME_FORM) : undefined);
}

/**
 * Any other lone `!word` in a thread of the bot, and one of a command with more after it: nothing runs, and the answer
 * lists the commands.
 */
export function readUnknownBang(text: string): Command | undefined {
  const typed = text.trim();
  const isLone = /^!\p{L}+[.!?]?$/u.test(typed);
  if (!isLone && !COMMAND_WORDS.includes(bangWord(typed) ?? '')) return undefined;
  const known = BANG_WORDS.map((word) => (word === 'save' ? '!save name' : `!${word}`)).join(', ');
  return malformed(`In a thread these are commands: ${known}. Nothing ran.`);
}

function bangWord(typed: string): string | undefined {
  return /^!(\p{L}+)(?!\S)/u.exec(typed)?.[1]?.toLowerCase();
}

function readTopic(argument: string): Command | undefined {
  const topic = HELP_TOPICS.find((each) => each === argument.toLowerCase());
  return topic === undefined ? undefined : { kind: 'help', topic };
}

function malformed(sentence: string): Command {
  return { kind: 'malformed', sentence };
}

function readNamed(kind: 'save' | 'forget', argument: string): Command | undefined {
  const name = readName(argument);
  return name === undefined ? undefined : { kind, name };
}

/**
 * `run name key=value …`. Where no name follows, as in `run = 5`, it is code; values that cannot be read are refused.
 */
function readRun(typed: string): Command | undefined {
  const [, called, given] = /^run[ \t]+(\S+)(?:[ \t]+(\S.*))?$/i.exec(typed) ?? [];
  const name = called === undefined ? undefined : readName(called);
  if (name === undefined) return undefined;
  return orMalformed(() => ({ kind: 'run', name, parameters: readParameters(given ?? ''), typed }));
}

function orMalformed(read: () => Command): Command {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return malformed(error.message);
    throw error;
  }
}

/** At either end of the text after the time. */
const ONLY_ON_FAILURE =
  /^(?:,[ \t]*)?only[ \t]+on[ \t]+failures?(?=\s|$)|,?[ \t]only[ \t]+on[ \t]+failures?$/i;

/** `schedule name weekdays 8:00 [only on failure] [key=value …]`. */
function readSchedule(typed: string): Command | undefined {
  const [, called, said] = /^schedule[ \t]+(\S+)(?:[ \t]+(\S.*))?$/i.exec(typed) ?? [];
  const name = called === undefined ? undefined : readName(called);
  if (name === undefined) return undefined;
  return orMalformed(() => {
    const when = readTiming(said ?? '');
    if (when === undefined) return malformed(`${TIMING_FORM} As in: schedule ${name} weekdays 8:00.`);
    const rest = when.rest.trim();
    const parameters = readParameters(rest.replace(ONLY_ON_FAILURE, ''));
    const onlyOnFailure = ONLY_ON_FAILURE.test(rest);
    return { kind: 'schedule', name, timing: when.timing, parameters, onlyOnFailure };
  });
}

function readAuto(argument: string): Command | undefined {
  const word = argument.toLowerCase();
  if (word === 'on' || word === 'off') return { kind: 'auto', on: word === 'on' };
  return /^\p{L}+$/u.test(word) ? malformed(`Use auto on or auto off, not auto ${argument}.`) : undefined;
}

/**
 * Arguments: a channel, the language of one of its kernels, or both in any order. Jupyter's menu calls it `Restart
 * Kernel`.
 */
function readKernelCommand(kind: KernelCommand['kind'], said: readonly string[]): Command | undefined {
  const command: KernelCommand = { kind };
  const isNamedSo = said.at(-1)?.toLowerCase() === 'kernel';
  const given = isNamedSo ? said.slice(said[0]?.toLowerCase() === 'the' ? 1 : 0, -1) : said;
  for (const argument of given) {
    const channel = readChannel(argument);
    const field = channel === undefined ? 'language' : 'channel';
    if (command[field] !== undefined || (channel === undefined && !LANGUAGE_WORD.test(argument)))
      return undefined;
    command[field] = channel ?? argument;
  }
  return command;
}

function readChannel(argument: string): string | undefined {
  // Names have no capitals, so `#C024BE91L` is an id.
  const [, id] = /^(?:<#|#)?([CGD][A-Z0-9]+)(?:\|[^<>]*)?>?$/.exec(argument) ?? [];
  return id ?? (/^#[^\s#<>]+$/.test(argument) ? argument : undefined);
}
