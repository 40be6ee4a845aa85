using System.Text;
using CsCheck;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>Texts become nodes: anchors, variables, limits, JSON, and nothing that throws.</summary>
public sealed class YamlTests
{
    [Fact]
    public void Plain_words_stay_text()
    {
        var plan = PlanOf(Base.Replace("default: none", "default: NO", StringComparison.Ordinal)
            .Replace("order_id: { type: string,", "order_id: { type: string, default: 10:30,",
                StringComparison.Ordinal));

        Assert.Equal("NO", plan.Source.Format!.Fields[1].Default);
        Assert.Equal("10:30", plan.Source.Format.Fields[0].Default);
    }

    [Fact]
    public void Numbers_and_words_can_be_defaults_and_options()
    {
        var plan = PlanOf(Base.Replace("amount:   decimal(12,2)", "amount: { type: 'decimal(12,2)', default: 1.50 }",
            StringComparison.Ordinal)
            .Replace("id: big, type: filter, where: total > 0",
                "id: big, type: custom, name: Score, options: { level: 3, on: true }", StringComparison.Ordinal));

        Assert.Equal("1.50", plan.Source.Format!.Fields[2].Default);
        Assert.Equal(
            [new("level", "3"), new KeyValuePair<string, string>("on", "true")], ((CustomPlan)plan.Steps[1]).Options);
    }

    [Fact]
    public void Anchors_aliases_and_merge_keys_are_followed()
    {
        var plan = PlanOf(Base.Replace(
            "  - { id: rows, from: more, connection: dwh, table: ROWS_T, mode: append }",
            """
              - &first
                id: rows
                from: more
                connection: dwh
                table: &table ROWS_T
                keys: [order_id]
                flush: { rows: 7 }
              - { <<: *first, id: rows2, table: ROWS2_T }
              - { <<: [*first], id: rows3, keys: [order_id, total], table: *table }
            """,
            StringComparison.Ordinal));

        Assert.Equal(["ROWS_T", "ROWS2_T", "ROWS_T"], plan.Sinks.Take(3).Select(s => s.Spec.Table));
        Assert.All(plan.Sinks.Take(3), s => Assert.Equal(7, s.Flush.Rows));
    }

    [Fact]
    public void Aliases_that_multiply_are_stopped()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 10; i++)
            text.Append($"a{i}: &a{i} [").AppendJoin(", ", Enumerable.Repeat($"*a{i - 1}", 10)).Append("]\n");

        Assert.Equal("KOR1004", Assert.Single(Compile(text.ToString()).Diagnostics).Code);
    }

    [Theory]
    [InlineData("a: ", "[", "p.yaml")]
    [InlineData("", "- ", "p.yaml")]
    [InlineData("", "[", "p.json")]
    [InlineData("", "{\"a\":", "p.json")]
    public void Depth_is_bounded(string start, string level, string file)
    {
        var text = start + string.Concat(Enumerable.Repeat(level, 500));

        var diagnostic = Assert.Single(Compile(text, file).Diagnostics);

        Assert.Contains(diagnostic.Code, (string[])["KOR1001", "KOR1004"]);
    }

    [Fact]
    public void Size_is_bounded()
    {
        var text = Base + new string(' ', PipelineReader.MaxTextLength);

        var diagnostic = Assert.Single(Compile(text).Diagnostics);

        Assert.Equal("KOR1004", diagnostic.Code);
        Assert.StartsWith("p.yaml: error KOR1004: the file is longer", diagnostic.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   \n# only a comment\n")]
    [InlineData("- a\n- b\n")]
    [InlineData("just text")]
    [InlineData("---\n")]
    [InlineData("null")]
    public void What_is_no_mapping_is_no_pipeline(string text) =>
        Assert.Equal("KOR1010", Assert.Single(Compile(text).Diagnostics).Code);

    [Fact]
    public void Json_faults_have_places()
    {
        var json = Compile(Base).CanonicalJson!.Replace(",\"source\"", ",\n \"source\"", StringComparison.Ordinal);

        var unknown = Assert.Single(Compile(json.Replace("\"field\":\"at\"", "\"field\":\"ät\"",
            StringComparison.Ordinal), "p.json").Errors());
        Assert.Equal(("KOR1012", 2), (unknown.Code, unknown.Line));
        var expression = Assert.Single(Compile(json.Replace("total > 0", "total > \\u0030 + totl",
            StringComparison.Ordinal), "p.json").Errors());
        Assert.Equal("KOR2003", expression.Code);
        var line = json.Replace("total > 0", "total > \\u0030 + totl", StringComparison.Ordinal).Split('\n')[1];
        Assert.Equal("totl", line.Substring(expression.Column - 1, 4));
        var syntax = Assert.Single(Compile(json[..^1], "p.json").Errors());
        Assert.Equal("KOR1001", syntax.Code);
        var twice = Assert.Single(Compile(json.Replace("{\"apiVersion\"", "{\"name\":\"x\",\"apiVersion\"",
            StringComparison.Ordinal), "p.json").Errors());
        Assert.Equal("KOR1006", twice.Code);
    }

    [Fact]
    public void Variables_are_replaced_in_values_only()
    {
        var text = Base.Replace("table: ROWS_T", "table: '${SCHEMA}.${TABLE:ROWS_T}'", StringComparison.Ordinal)
            .Replace("total > 0", "\"total > ${MIN:0} AND order_id <> '$${X}'\"", StringComparison.Ordinal);

        var plan = PlanOf(text, variables: name => name == "SCHEMA" ? "DWH" : null);

        Assert.Equal("DWH.ROWS_T", plan.Sinks[0].Spec.Table);
        Assert.Equal("total > 0 AND order_id <> '${X}'", ((FilterPlan)plan.Steps[1]).Where.Text);
        Assert.NotEqual(plan.DefinitionHash, PlanOf(text, variables: name => name == "SCHEMA" ? "OTHER"
            : null).DefinitionHash);
    }

    [Theory]
    [InlineData("table: ROWS_T", "table: '${X}'")]
    [InlineData("total > 0", "total > ${X}")]
    [InlineData("total > 0", "${X}")]
    [InlineData("default: none", "default: none, type: '${X}'")]
    [InlineData("name: ", "name: '${X}' #")]
    public void A_finding_names_the_variable_and_does_not_quote_its_value(string old, string with)
    {
        foreach (var secret in (string[])["p4ss word(", "hunter2", "'x", "7x"])
        {
            var text = Base.Replace(old, with, StringComparison.Ordinal);
            Assert.NotEqual(Base, text);
            var compilation = Compile(text, variables: _ => secret);
            Assert.All(compilation.Diagnostics, d => Assert.DoesNotContain(secret, d.ToString(), StringComparison.Ordinal));
        }
    }

    /// <summary>Were the shorter one replaced first, the rest of the longer one would stand there.</summary>
    [Fact]
    public void The_value_of_one_variable_within_that_of_another_hides_no_part_of_it()
    {
        var text = Base.Replace("name: base", "name: base\ndescription: '${A} ${C}'", StringComparison.Ordinal).Replace("table: ROWS_T", "table: '${B}'", StringComparison.Ordinal);
        var compilation = Compile(text, variables: name => name switch { "A" => "db", "B" => "db.hunter2!.db", _ => "hunter2!" });
        var finding = Assert.Single(compilation.Diagnostics);
        Assert.Contains("'${B}' is not a table's name", finding.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", finding.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipeline_sees_only_the_variables_that_are_for_pipelines()
    {
        var visible = PipelineVariables.Visible(static name => name, ["LISTED"]);
        Assert.Equal("KOR_VAR_A", visible("KOR_VAR_A"));
        Assert.Equal("LISTED", visible("LISTED"));
        Assert.Null(visible("PATH"));
        Assert.Null(visible("kor_var_a"));
    }

    [Fact]
    public void A_variable_cannot_add_structure()
    {
        var text = Base.Replace("default: none", "default: '${X}'", StringComparison.Ordinal);

        var plan = PlanOf(text, variables: _ => "a, required: true }\nsinks: []");

        Assert.Equal("a, required: true }\nsinks: []", plan.Source.Format!.Fields[1].Default);
        Assert.Equal(2, plan.Sinks.Count);
    }

    [Fact]
    public void Faults_after_a_variable_point_at_the_right_character()
    {
        var text = Base.Replace("where: total > 0", "where: \"total > ${MIN} AND totl > 1\"", StringComparison.Ordinal);

        var error = Assert.Single(Compile(text, variables: _ => "100000000").Errors());

        var line = text.Split('\n')[error.Line - 1];
        Assert.Equal("totl", line.Substring(error.Column - 1, 4));
    }

    [Fact]
    public void Text_without_variables_is_left_as_it_is_and_dollars_survive_doubling()
    {
        var part = Gen.OneOf(Gen.String[Gen.Char["abc $}:{"], 0, 8], Gen.Const("${A}"), Gen.Const("${B:x}"),
            Gen.Const("$${"));

        part.Array[0, 6].Sample(parts =>
        {
            var raw = string.Concat(parts);
            var json = $"{{\"description\":{System.Text.Json.JsonSerializer.Serialize(raw)}}}";
            var definition = PipelineReader.Read(json, "p.json", name => name == "A" ? "<a>" : null,
                out var diagnostics)!;
            var description = definition.Description!;
            if (diagnostics.Any(d => d.Code == "KOR1008")) return description.Faulty
                && raw.Contains("${", StringComparison.Ordinal);
            return !description.Faulty && description.Value == Naive(raw);
        });
    }

    [Fact]
    public void Durations_read_back_what_they_write()
    {
        Gen.Long[0, Durations.Max].Sample(ms => Durations.TryParse(Durations.Format(ms), out var back) && back == ms);
        Gen.String[Gen.Char["0123456789dhms "], 0, 8].Sample(text =>
            !Durations.TryParse(text, out var ms) || (ms >= 0
                && Durations.TryParse(Durations.Format(ms), out var back) && back == ms));
    }

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("2d", 172_800_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("0s", 0)]
    public void Durations_are_read(string text, long expected)
    {
        Assert.True(Durations.TryParse(text, out var ms));
        Assert.Equal(expected, ms);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("m")]
    [InlineData("5M")]
    [InlineData("5 m")]
    [InlineData("-5m")]
    [InlineData("1.5h")]
    [InlineData("5m1h")]
    [InlineData("5m5m")]
    [InlineData("4000d")]
    [InlineData("٥m")]
    [InlineData("9999999999999999999d")]
    public void Other_texts_are_no_durations(string text) => Assert.False(Durations.TryParse(text, out _));

    [Theory]
    [InlineData("1024", 1024)]
    [InlineData("64KiB", 65_536)]
    [InlineData("1 MiB", 1_048_576)]
    [InlineData("2kB", 2_000)]
    [InlineData("-1", -1)]
    [InlineData("1TiB", -1)]
    [InlineData("99999999999999GiB", -1)]
    public void Sizes_are_read(string text, long expected)
    {
        Assert.Equal(expected >= 0, ByteSizes.TryParse(text, out var bytes));
        if (expected >= 0) Assert.Equal(expected, bytes);
    }

    [Fact]
    public void No_text_makes_the_compiler_throw()
    {
        var good = Base;
        string[] pieces =
        [
            "", "{", "}", "[", "]", ":", " ", "\n", "\t", "'", "\"", "&a", "*a", "<<: *a", "!!x", "|", ">", "${",
            "${A}", "null", "- ", "%", "@",
            "count()", "percentile(", "source", "quarantined", "\u0000", "\ud800", "ä",
        ];

        Gen.Select(Gen.Int[0, good.Length], Gen.Int[0, 12], Gen.Int[0, pieces.Length - 1], Gen.Bool).Sample(
            (at, cut, piece, asJson) =>
            {
                var text = pieces[piece];
                var damaged = good[..at] + text + good[Math.Min(good.Length, at + cut)..];
                _ = Compile(damaged, asJson ? "p.json" : "p.yaml").Diagnostics.Select(d => d.ToString()).Count();
            },
            iter: 2_000);
    }

    /// <summary>One pass from left to right over a text without faults.</summary>
    private static string Naive(string raw)
    {
        var text = "";
        for (var i = 0; i < raw.Length;)
        {
            if (raw.AsSpan(i).StartsWith("$${"))
            {
                (text, i) = (text + "${", i + 3);
            }
            else if (raw.AsSpan(i).StartsWith("${"))
            {
                var end = raw.IndexOf('}', i);
                var inner = raw[(i + 2)..end];
                var colon = inner.IndexOf(':', StringComparison.Ordinal);
                var name = colon < 0 ? inner : inner[..colon];
                text += name == "A" ? "<a>" : inner[(colon + 1)..];
                i = end + 1;
            }
            else
            {
                text += raw[i++];
            }
        }

        return text;
    }
}
