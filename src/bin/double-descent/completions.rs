//! Shell completions.

use crate::common::flags::Flag;
use std::fmt::Write;

/// What a completion script needs to know about a flag.
pub struct Listed {
    pub name: String,
    help: String,
    takes_value: bool,
    /// The words that it accepts; it may accept paths too.
    pub choices: Vec<String>,
    accepts_paths: bool,
}

impl From<&Flag<'_>> for Listed {
    fn from(flag: &Flag<'_>) -> Self {
        Self {
            name: flag.name.clone(),
            help: flag.help.split_once(';').map_or(flag.help.as_str(), |(first, _)| first).into(),
            takes_value: !flag.value.is_empty(),
            choices: flag.choices().iter().map(|(word, _)| (*word).to_owned()).collect(),
            accepts_paths: flag.value.contains("PATH"),
        }
    }
}

/// The supported shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    pub const ALL: [(&str, Self); 3] = [("bash", Self::Bash), ("zsh", Self::Zsh), ("fish", Self::Fish)];
}

/// Returns a script that completes study names (each with a one-sentence description), their flags and flag values;
/// where a value is free, it completes paths.
pub fn script(shell: Shell, studies: &[(&str, String, Vec<Listed>)]) -> String {
    match shell {
        Shell::Bash => bash(studies),
        Shell::Zsh => zsh(studies),
        Shell::Fish => fish(studies),
    }
}

/// Subcommands that take the folder of a study's shards, each with a description.
pub const OF_SHARDS: [(&str, &str); 5] = [
    ("plan", "Commands for the shards of a study, minutes each"),
    ("status", "Which shards of a study are complete"),
    ("merge", "Tables and figures of a study from its shards"),
    ("tables", "Only the tables of a study from its shards, in little memory"),
    ("resume", "Commands of a study that are still to be run"),
];

/// Flags that every study has.
const COMMON: [(&str, &str); 3] =
    [("json", "Closing tables as JSON"), ("help", "The help text"), ("version", "The version")];

fn bash(studies: &[(&str, String, Vec<Listed>)]) -> String {
    let names: Vec<&str> = studies.iter().map(|(name, ..)| *name).collect();
    let (mut values, mut flags) = (String::new(), String::new());
    for (name, _, list) in studies {
        for flag in list.iter().filter(|flag| flag.takes_value) {
            let reply = match flag.choices.join(" ") {
                words if words.is_empty() => String::new(),
                words => format!("COMPREPLY=($(compgen -W '{words}' -- \"$current\")); "),
            };
            let _ = writeln!(values, "        '{name} --{}') {reply}return ;;", flag.name);
        }
        let words = list.iter().map(|flag| flag.name.as_str()).chain(COMMON.map(|(name, _)| name));
        let words: Vec<String> = words.map(|name| format!("--{name}")).collect();
        let _ = writeln!(flags, "        {name}) words='{}' ;;", words.join(" "));
    }
    format!(
        r#"_double_descent() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" study="${{COMP_WORDS[1]}}" words=
    local studies='{}' verbs='{}'
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$studies completions $verbs --help --version" -- "$current"))
        return
    fi
    if [[ " $verbs " == *" $study "* ]]; then
        if [ "$COMP_CWORD" -eq 2 ]; then
            COMPREPLY=($(compgen -W "$studies" -- "$current") $(compgen -d -- "$current"))
            return
        fi
        study="${{COMP_WORDS[2]}}"
    fi
    case "$study $before" in
        'completions completions') COMPREPLY=($(compgen -W 'bash zsh fish' -- "$current")); return ;;
{values}    esac
    case "$study" in
{flags}    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _double_descent double-descent"#,
        names.join(" "),
        OF_SHARDS.map(|(name, _)| name).join(" ")
    )
}

fn zsh(studies: &[(&str, String, Vec<Listed>)]) -> String {
    let escaped = |text: &str| {
        let mut escaped = String::new();
        for character in text.chars() {
            match character {
                '\'' => escaped.push_str("'\\''"),
                '[' | ']' | ':' | '\\' => escaped.extend(['\\', character]),
                _ => escaped.push(character),
            }
        }
        escaped
    };
    let (mut names, mut flags) = (String::new(), String::new());
    for (name, about) in OF_SHARDS {
        let _ = writeln!(names, "        '{name}:{}'", escaped(about));
    }
    for (name, about, list) in studies {
        let _ = writeln!(names, "        '{name}:{}'", escaped(about));
        let _ = write!(flags, "        {name}) _arguments");
        for flag in list {
            let value = match (flag.takes_value, flag.choices.join(" ")) {
                (false, _) => String::new(),
                (true, words) if words.is_empty() || flag.accepts_paths => ":value:_files".into(),
                (true, words) => format!(":value:({words})"),
            };
            let _ = write!(flags, " \\\n            '--{}[{}]{value}'", flag.name, escaped(&flag.help));
        }
        for (flag, help) in COMMON {
            let _ = write!(flags, " \\\n            '--{flag}[{help}]'");
        }
        let _ = writeln!(flags, " ;;");
    }
    format!(
        r"#compdef double-descent
_double_descent() {{
    local -a studies
    studies=(
{names}        'completions:Completions for a shell'
    )
    if (( CURRENT == 2 )); then
        _describe study studies
        return
    fi
    local study=$words[2]
    shift words
    (( CURRENT-- ))
    case $study in
        completions) _values shell bash zsh fish ;;
{flags}    esac
}}
compdef _double_descent double-descent"
    )
}

fn fish(studies: &[(&str, String, Vec<Listed>)]) -> String {
    let escaped = |text: &str| text.replace('\\', r"\\").replace('\'', r"\'");
    let mut lines = vec![
        "complete -c double-descent -n __fish_use_subcommand -f -a completions -d 'Completions for a shell'"
            .to_owned(),
        "complete -c double-descent -n '__fish_seen_subcommand_from completions' -f -a 'bash zsh fish'"
            .into(),
    ];
    lines.extend(OF_SHARDS.map(|(name, about)| {
        format!("complete -c double-descent -n __fish_use_subcommand -a {name} -d '{}'", escaped(about))
    }));
    for (name, about, list) in studies {
        lines.push(format!(
            "complete -c double-descent -n __fish_use_subcommand -f -a {name} -d '{}'",
            escaped(about)
        ));
        let condition = format!("complete -c double-descent -n '__fish_seen_subcommand_from {name}'");
        for flag in list {
            let value = match (flag.takes_value, flag.choices.join(" ")) {
                (false, _) => String::new(),
                (true, words) if words.is_empty() => " -r".into(),
                (true, words) if flag.accepts_paths => format!(" -r -a '{words}'"),
                (true, words) => format!(" -x -a '{words}'"),
            };
            lines.push(format!("{condition} -l {}{value} -d '{}'", flag.name, escaped(&flag.help)));
        }
        lines.extend(COMMON.map(|(flag, help)| format!("{condition} -l {flag} -d '{help}'")));
    }
    lines.join("\n")
}
