using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>Functions of text and bytes.</summary>
internal static class StringFunctions
{
    private const string Category = "Text";

    private static readonly ExprType String = ExprType.String;

    public static FunctionDefinition[] All() =>
    [
        new(Category, "length(text) -> integer", "The number of characters (Unicode code points).", 1, 1,
            call => call.Call(ExprType.Integer, StringOps.Length, [call.Text(0)]),
            new("length('Zürich')", "6"), new("length('')", "0")),
        new(Category, "byte_length(text | bytes) -> integer", "The number of bytes, of text in UTF-8.", 1, 1,
            call => call.Call(ExprType.Integer, StringOps.ByteLength, [call.Of(0, ExprKind.String, ExprKind.Bytes, ExprKind.Json)]),
            new FunctionExample("byte_length('Zürich')", "7")),
        new(Category, "upper(text) -> string", "Capital letters, independent of any language.", 1, 1,
            call => call.Call(String, StringOps.Upper, [call.Text(0)]), new FunctionExample("upper('zürich')", "ZÜRICH")),
        new(Category, "lower(text) -> string", "Small letters, independent of any language.", 1, 1,
            call => call.Call(String, StringOps.Lower, [call.Text(0)]), new FunctionExample("lower('ZÜRICH')", "zürich")),
        new(Category, "trim(text [, characters]) -> string",
            "Without white space, or without any of the characters, at both ends.", 1, 2,
            call => Trim(call, StringOps.TrimSpace, StringOps.Trim),
            new("trim('  a b ')", "a b"), new("trim('--a-', '-')", "a")),
        new(Category, "ltrim(text [, characters]) -> string", "The same at the start only.", 1, 2,
            call => Trim(call, StringOps.TrimSpaceStart, StringOps.TrimStart), new FunctionExample("ltrim('007', '0')", "7")),
        new(Category, "rtrim(text [, characters]) -> string", "The same at the end only.", 1, 2,
            call => Trim(call, StringOps.TrimSpaceEnd, StringOps.TrimEnd), new FunctionExample("rtrim('1.50', '0')", "1.5")),
        new(Category, "substring(text, start [, length]) -> string",
            "Characters from a position counted from 1. A start below 1 uses up length, as in standard SQL.", 2, 3,
            call => call.Count == 2
                ? call.Call(String, StringOps.SubstringFrom, [call.Text(0), call.Integer(1)])
                : call.Call(String, StringOps.Substring, [call.Text(0), call.Integer(1), call.Integer(2)]),
            new("substring('Zürich', 2, 3)", "üri"), new("substring('abc', 2)", "bc"), new("substring('abc', 0, 2)", "a")),
        new(Category, "left(text, count) -> string", "The first characters.", 2, 2,
            call => call.Call(String, StringOps.Left, [call.Text(0), call.Integer(1)]), new FunctionExample("left('abc', 2)", "ab")),
        new(Category, "right(text, count) -> string", "The last characters.", 2, 2,
            call => call.Call(String, StringOps.Right, [call.Text(0), call.Integer(1)]), new FunctionExample("right('abc', 2)", "bc")),
        new(Category, "lpad(text, length [, fill]) -> string",
            "Filled up on the left (with spaces) to so many characters, or cut to them on the right.", 2, 3,
            call => call.Call(String, StringOps.PadLeft, [call.Text(0), call.Integer(1), call.Text(2, " ")]),
            new("lpad('7', 3, '0')", "007"), new("lpad('abc', 2)", "ab")),
        new(Category, "rpad(text, length [, fill]) -> string", "The same, filled up on the right.", 2, 3,
            call => call.Call(String, StringOps.PadRight, [call.Text(0), call.Integer(1), call.Text(2, " ")]),
            new FunctionExample("rpad('a', 4, 'xy')", "axyx")),
        new(Category, "replace(text, what, with) -> string", "Every occurrence replaced; nothing when it is ''.", 3, 3,
            call => call.Call(String, StringOps.Replace, [call.Text(0), call.Text(1), call.Text(2)]),
            new FunctionExample("replace('a-b-c', '-', '')", "abc")),
        new(Category, "concat(text, ...) -> string", "Joined; a NULL counts as ''. (The operator || gives NULL.)", 1, int.MaxValue, Concat,
            new("concat('a', NULL, 'b')", "ab"), new("'a' || 'b'", "ab")),
        new(Category, "reverse(text) -> string", "The characters in reverse order.", 1, 1,
            call => call.Call(String, StringOps.Reverse, [call.Text(0)]), new FunctionExample("reverse('aü')", "üa")),
        new(Category, "starts_with(text, what) -> boolean", "Whether it starts so; case-sensitive.", 2, 2,
            call => call.Call(ExprType.Boolean, StringOps.StartsWith, [call.Text(0), call.Text(1)]),
            new FunctionExample("starts_with('DE-1', 'DE')", "true")),
        new(Category, "ends_with(text, what) -> boolean", "Whether it ends so; case-sensitive.", 2, 2,
            call => call.Call(ExprType.Boolean, StringOps.EndsWith, [call.Text(0), call.Text(1)]),
            new FunctionExample("ends_with('a.pdf', '.doc')", "false")),
        new(Category, "contains(text, what) -> boolean", "Whether it occurs; case-sensitive.", 2, 2,
            call => call.Call(ExprType.Boolean, StringOps.Contains, [call.Text(0), call.Text(1)]),
            new FunctionExample("contains('abc', 'bc')", "true")),
        new(Category, "position(what, text) -> integer", "Where it first occurs, counted from 1; 0 when it does not.", 2, 2,
            call => call.Call(ExprType.Integer, StringOps.Position, [call.Text(0), call.Text(1)]),
            new("position('r', 'Zürich')", "3"), new("position('x', 'abc')", "0")),
        new(Category, "split_part(text, separator, part) -> string",
            "The n-th part, counted from 1, or from the end when negative; NULL when there is none.", 3, 3,
            call => call.CallOrNull(String, StringOps.SplitPart, [call.Text(0), call.Text(1), call.Integer(2)]),
            new("split_part('a/b/c', '/', 2)", "b"), new("split_part('a/b', '/', -1)", "b"), new("split_part('a', '/', 2)", null)),
        new(Category, "regexp_like(text, pattern) -> boolean",
            "Whether a part matches. Patterns are constant .NET regular expressions without backreferences and look-around, "
            + "so that they take time linear in the text.", 2, 2,
            call => Regexp(call) is { } regex
                ? call.Call(ExprType.Boolean, RegexOps.Like, [call.Text(0)], regex)
                : new ErrorNode(call.Span),
            new("regexp_like('AB-12', '^[A-Z]+-[0-9]+$')", "true"), new("regexp_like('abc', '(?i)B')", "true")),
        new(Category, "regexp_replace(text, pattern, with) -> string",
            "Every match replaced; with may name groups as $1.", 3, 3,
            call => Regexp(call) is { } regex && call.ConstantText(2) is { } with
                ? call.Call(String, RegexOps.Replace, [call.Text(0)], new RegexReplacement(regex, with))
                : new ErrorNode(call.Span),
            new("regexp_replace('a1b22', '[0-9]+', '#')", "a#b#"), new("regexp_replace('Doe, Joe', '(\\w+), (\\w+)', '$2 $1')", "Joe Doe")),
        new(Category, "regexp_extract(text, pattern [, group]) -> string",
            "The first match, or a group of it (counted from 1; 0 is the whole match); NULL when there is none.", 2, 3,
            RegexpExtract,
            new("regexp_extract('order 4711', '[0-9]+')", "4711"), new("regexp_extract('a=1', '(\\w)=(\\d)', 2)", "1"),
            new("regexp_extract('abc', '[0-9]')", null)),
        new(Category, "to_hex(bytes | text) -> string", "The bytes as hexadecimal digits in small letters.", 1, 1,
            call => call.Call(String, StringOps.ToHex, [call.Of(0, ExprKind.Bytes, ExprKind.String)]),
            new FunctionExample("to_hex('kor')", "6b6f72")),
        new(Category, "to_base64(bytes | text) -> string", "The bytes in base64.", 1, 1,
            call => call.Call(String, StringOps.ToBase64, [call.Of(0, ExprKind.Bytes, ExprKind.String)]),
            new FunctionExample("to_base64('kor')", "a29y")),
        new(Category, "from_base64(text) -> bytes", "What base64 stands for; fails the record when it is none.", 1, 1,
            call => call.Call(ExprType.Bytes, StringOps.FromBase64, [call.Text(0)]),
            new FunctionExample("CAST(from_base64('a29y') AS string)", "kor")),
        new(Category, "sha256(text | bytes) -> string", "The SHA-256 digest as 64 hexadecimal digits in small letters.", 1, 1,
            call => call.Call(String, HashOps.Sha256, [call.Of(0, ExprKind.String, ExprKind.Bytes)]),
            new FunctionExample("left(sha256(''), 8)", "e3b0c442")),
        new(Category, "hash64(text | bytes) -> integer",
            "A stable 64-bit hash (XXH3, seed 0, as a signed integer): for buckets and sampling, not for security.", 1, 1,
            call => call.Call(ExprType.Integer, HashOps.Hash64, [call.Of(0, ExprKind.String, ExprKind.Bytes)]),
            new FunctionExample("hash64('kor') = hash64('kor')", "true")),
    ];

    private static Node Trim(FunctionCall call, Delegate space, Delegate characters) => call.Count == 1
        ? call.Call(String, space, [call.Text(0)])
        : call.Call(String, characters, [call.Text(0), call.Text(1)]);

    private static Node Concat(FunctionCall call)
    {
        Node? result = null;
        for (var i = 0; i < call.Count; i++)
        {
            var text = call.Text(i);
            if (text.IsError) return text;
            if (text is ConstantNode { Value: null }) text = new ConstantNode(Utf8Slice.Empty, String, text.Span);
            else if (text.Nullable)
                text = new CoalesceNode(String, text.Span, [text, new ConstantNode(Utf8Slice.Empty, String, text.Span)]);
            result = result is null ? text : call.Binder.Call(String, call.Span, StringOps.Concat, [result, text]);
        }
        return result!;
    }

    private static Regex? Regexp(FunctionCall call)
    {
        if (call.ConstantText(1) is not { } pattern) return null;
        if (pattern.Length > RegexOps.MaxPatternChars)
        {
            call.Invalid(1, "A regular expression has at most 1,000 characters.");
            return null;
        }
        var regex = RegexOps.Create(pattern, out var error);
        if (regex is null) call.Invalid(1, error!);
        return regex;
    }

    private static Node RegexpExtract(FunctionCall call)
    {
        if (Regexp(call) is not { } regex) return new ErrorNode(call.Span);
        var group = 0;
        if (call.Count == 3)
        {
            if (call[2] is not ConstantNode { Value: long number })
                return call.Binder.Fault(call[2].Span, ErrorCode.ConstantRequired, "The group must be a constant number.");
            if (number < 0 || !regex.GetGroupNumbers().Contains((int)Math.Min(number, int.MaxValue)))
                return call.Invalid(2, "The regular expression has no such group.");
            group = (int)number;
        }
        return call.CallOrNull(String, RegexOps.Extract, [call.Text(0)], regex, group);
    }
}
