namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <content>KOR1xxx: the text of a pipeline file.</content>
public static partial class ErrorCatalog
{
    private static ErrorInfo[] DefinitionErrors() =>
    [
        new(
            "KOR1001",
            "The text is not valid YAML or JSON",
            "The parser could not go on from here, so nothing after this place was checked.",
            "steps:\n  - id: a\n   type: map",
            "Check indentation (spaces, never tabs) and quotes: a value that contains ': ' or ' #', or starts "
                + "with one of [ ] { } & * ! | > % @, needs quotes."),
        new(
            "KOR1002",
            "A key is not text",
            "Keys of mappings are plain names.",
            "? [a, b]\n: value",
            "Write a plain name before the colon."),
        new(
            "KOR1003",
            "A tag is not allowed",
            "Tags such as !!python/object or !Include would give a value a type of its own. The format decides "
                + "types.",
            "name: !!str orders",
            "Remove the tag."),
        new(
            "KOR1004",
            "The file is too large, too deep or multiplies too much",
            "A file may have 1,048,576 characters, 64 levels, 100,000 values once aliases are followed, and "
                + "values of 65,536 characters once variables are replaced.",
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
            "Split the pipeline, write repeated parts less deeply, or give the variable a shorter value."),
        new(
            "KOR1005",
            "An alias names no anchor",
            "An alias (*name) stands for the node that was marked &name before it. A node cannot contain "
                + "itself.",
            "key: *missing",
            "Define the anchor before the alias, or correct its name."),
        new(
            "KOR1006",
            "A key is repeated",
            "The second value would silently win in many tools; here neither does.",
            "name: a\nname: b",
            "Remove one of them."),
        new(
            "KOR1007",
            "'<<' merges something that is no mapping",
            "A merge key takes an alias of a mapping, or a list of such aliases.",
            "<<: text",
            "Point it at an anchored mapping."),
        new(
            "KOR1008",
            "A variable cannot be replaced",
            "${NAME} is replaced by the variable of that name, ${NAME:default} falls back to the default, $${ "
                + "is a literal ${.",
            "table: ${TABEL}",
            "Set the variable, give a default, or correct the name."),
        new(
            "KOR1010",
            "The file is no pipeline",
            "A file holds one document, a mapping with apiVersion, name, source, steps and sinks.",
            "- just\n- a list",
            "Start from a sample in pipelines/."),
        new(
            "KOR1011",
            "The value is of the wrong kind",
            "A mapping, a list or a single value was expected and something else was found.",
            "steps: orders",
            "Look at the key's form in the message or in pipelines/pipeline.schema.json."),
        new(
            "KOR1012",
            "The value is malformed",
            "The text at this place does not have the form it needs.",
            "within: 1 hour",
            "Write it as the message says."),
        new(
            "KOR1013",
            "The word is not known here",
            "Only a few words are possible at this place.",
            "onFail: quarentine",
            "Use one of the words listed."),
        new(
            "KOR1014",
            "A value is missing",
            "The key is there but nothing follows it.",
            "table:",
            "Give it a value; where the key has a default (docs/pipelines.md), remove the key to get it."),
        new(
            "KOR1015",
            "Too few or too many entries",
            "The list or mapping has a least and a largest number of entries.",
            "sinks: []",
            "Add or remove entries."),
        new(
            "KOR1020",
            "Unknown key",
            "Keys that are not known are never ignored: a misspelt option would otherwise do nothing.",
            "sinks:\n  - { id: s, tabel: T }",
            "Correct or remove the key."),
        new(
            "KOR1021",
            "A required key is missing",
            "Without it the mapping has no meaning.",
            "sinks:\n  - { id: s, connection: dwh }",
            "Add the key."),
    ];
}
