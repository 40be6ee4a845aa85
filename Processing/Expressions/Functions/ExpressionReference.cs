using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Diagnostics;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>Writes docs/expressions.md from the catalogue of functions and the error codes.</summary>
public static class ExpressionReference
{
    private const string Language = """
        # Expressions

        <!-- Made from the code by ExpressionReference; a test keeps it current (KOR_UPDATE_DOCS=1 rewrites it). -->

        Expressions are SQL scalar expressions over the fields of one record. They are checked against the schema when the pipeline is
        validated, and compiled once. They have no way to the outside: no I/O, no reflection, no clock but `processing_time()`.

        ```sql
        round(amount * 0.1, 2)
        CASE WHEN amount > 1000 THEN 'large' ELSE 'small' END
        currency IN ('EUR', 'CHF') AND order_id LIKE 'DE-%' AND created_at >= TIMESTAMP '2026-01-01'
        coalesce(json_value(payload, '$.customer.city'), 'unknown')
        ```

        ## Names and literals

        | written | is |
        |---|---|
        | `amount`, `customer.city`, `"odd name"` | a field; names are case-sensitive, keywords and functions are not |
        | `42` | integer (64 bits); with more digits a decimal |
        | `1.50` | decimal(3,2): exact, up to 28 digits |
        | `1.5e3` | double |
        | `'it''s'` | string |
        | `TRUE`, `FALSE`, `NULL` | truth values, and the missing value |
        | `TIMESTAMP '2026-01-31 10:30:00.5'` | timestamp, UTC unless it ends in an offset such as `+02:00` |
        | `DATE '2026-01-31'` | date |
        | `INTERVAL '5' MINUTE`, `INTERVAL '1h30m'` | a length of time (microsecond to week); months and years: `timestamp_add` |
        | `-- ...` | a comment to the end of the line |

        In YAML, put an expression that contains `: `, ` #` or begins with one of ``'"*&!{[%@` `` into quotes or a block (`>`).

        ## Operators, binding from tight to loose

        | operator | on |
        |---|---|
        | `-x`, `+x` | numbers, intervals |
        | `*`, `/`, `%` | numbers; interval `*` integer |
        | `+`, `-` | numbers; timestamp or date ± interval; date ± integer (days); timestamp - timestamp; date - date |
        | `\|\|` | strings, bytes |
        | `BETWEEN`, `IN (...)`, `LIKE ... [ESCAPE '!']`, each with `NOT` | values of one type; constant patterns |
        | `=`, `<>` (`!=`), `<`, `<=`, `>`, `>=` | values of one type (json: none; boolean: `=` and `<>`) |
        | `IS [NOT] NULL`, `IS [NOT] TRUE`, `IS [NOT] FALSE`, `IS [NOT] DISTINCT FROM` | never NULL themselves |
        | `NOT` | conditions |
        | `AND` | conditions |
        | `OR` | conditions |

        Further forms: `CASE WHEN c THEN v ... [ELSE v] END`, `CASE x WHEN v THEN v ... END`, `CAST(x AS type)`, `TRY_CAST(x AS type)`,
        `EXTRACT(unit FROM time)`.

        ## NULL

        Logic has three values. An operator or function gives NULL when an operand is NULL, unless its description says otherwise;
        `FALSE AND NULL` is FALSE and `TRUE OR NULL` is TRUE. A condition that is NULL does not hold: filters do not let the record pass,
        and CASE goes on. Strings are compared by code point; `''` is not NULL.

        ## Numbers

        Integers widen to decimals and decimals to doubles by themselves; nothing else is converted without CAST. The digits of a decimal
        follow from those of the operands, p1,s1 and p2,s2 (an integer counts as decimal(19,0), an integer literal with its own digits):

        | operation | scale | precision |
        |---|---|---|
        | `+`, `-` | max(s1, s2) | max(p1 - s1, p2 - s2) + scale + 1 |
        | `*` | s1 + s2 | p1 + p2 |
        | `/` | max(6, s1 + p2 + 1) | p1 - s1 + s2 + scale |
        | `%` | max(s1, s2) | min(p1 - s1, p2 - s2) + scale |

        When the precision would exceed 28, it is 28, and the scale is cut to max(28 - digits before the point, min(scale, 6)). Results are
        rounded half away from zero, once. `/` of integers gives a decimal; `div(a, b)` drops the fraction.

        ## Failing records

        Overflow, division by zero, a value that cannot be converted: the *record* fails with a code (KOR31xx), the place and a message, and is
        quarantined; the pipeline goes on. Doubles never become NaN or infinite. What need not be computed does not fail: AND and OR stop at
        the deciding operand (from left to right), CASE, COALESCE and `if` at the branch taken. `TRY_CAST` and `try` give NULL instead.
        A constant part that always fails is a fault of the expression (KOR3021).

        ## Conversions

        | from | to |
        |---|---|
        | boolean | string, integer (1, 0) |
        | integer | decimal, double, string |
        | decimal | integer and decimal (rounded), double, string (all digits of its scale) |
        | double | integer and decimal (rounded), string (shortest that reads back the same) |
        | string | boolean (`true`, `false`, `1`, `0`), integer, decimal (rounded), double, timestamp and date (ISO 8601), json (checked), bytes (UTF-8) |
        | timestamp | date, string (ISO 8601, UTC) |
        | date | timestamp (midnight UTC), string |
        | bytes | string (must be UTF-8) |
        | json | string, bytes |

        Types: `boolean`, `integer`, `decimal(p,s)`, `double`, `string`, `timestamp`, `date`, `bytes`, `json`; also `bool`, `int`, `bigint`, `long`,
        `numeric`, `number`, `float`, `varchar`, `text`.

        ## Functions

        """;

    /// <summary>The whole page, lines ended by LF.</summary>
    public static string ToMarkdown()
    {
        var page = new StringBuilder(Language.ReplaceLineEndings("\n")).Append('\n');
        foreach (var category in FunctionCatalog.All.GroupBy(function => function.Category))
        {
            page.Append(CultureInfo.InvariantCulture, $"### {category.Key}\n\n");
            page.Append("| function | does | for example |\n|---|---|---|\n");
            foreach (var function in category)
            {
                var examples = string.Join("<br>", function.Examples.Select(Example));
                page.Append(
                    CultureInfo.InvariantCulture, $"| {Code(function.Signature)} | {Cell(function.Description)} | {examples} |\n");
            }
            page.Append('\n');
        }
        page.Append("Units of time: ").AppendJoin(", ", Units.Lengths.Select(Code));
        page.Append(" (and their plurals); to EXTRACT also `dow`, `doy`, `epoch` (seconds since 1970). `microsecond` and `millisecond` ");
        page.Append("extract the seconds with their fraction, in that unit.\n\n## Limits\n\n");
        page.Append(CultureInfo.InvariantCulture, $"An expression has at most {ExpressionLimits.MaxLength:N0} characters, ");
        page.Append(CultureInfo.InvariantCulture, $"{ExpressionLimits.MaxNodes:N0} parts and {ExpressionLimits.MaxDepth} levels (KOR3002). ");
        page.Append(CultureInfo.InvariantCulture, $"A function makes strings of at most {ExpressionLimits.MaxStringBytes:N0} bytes, ");
        page.Append(CultureInfo.InvariantCulture, $"and {ExpressionLimits.MaxScratchBytes:N0} for one record (KOR3105). ");
        page.Append(CultureInfo.InvariantCulture, $"For one record it goes through {ExpressionLimits.MaxWorkBytes:N0} bytes of text at most (KOR3107); ");
        page.Append(CultureInfo.InvariantCulture, $"texts of up to {ExpressionLimits.FreeBytes} bytes do not count, regular expressions count ");
        page.Append(CultureInfo.InvariantCulture, $"{ExpressionLimits.RegexWork} for each. All limits: [limits.md](limits.md).\n\n## Codes\n\n");
        page.Append("| code | is | remedy |\n|---|---|---|\n");
        foreach (var error in ErrorCatalog.All.Where(error => error.Code.StartsWith("KOR3", StringComparison.Ordinal)))
            page.Append(CultureInfo.InvariantCulture, $"| {error.Code} | {Cell(error.Title)} | {Cell(error.Remedy)} |\n");
        return page.ToString();
    }

    private static string Example(FunctionExample example)
    {
        var result = example.Result is null ? "NULL" : Code(example.Result);
        return $"{Code(example.Expression)} is {result}";
    }

    private static string Code(string text) => $"`{Cell(text)}`";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
