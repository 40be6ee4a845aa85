using System.Text;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>No expression burns more than a bounded amount of time or memory for one record, whatever it is made of.</summary>
public sealed class WorkLimitTests
{
    private const int Long = 1_000_000;

    private static readonly Schema Fields = new(new Field("t", FieldType.String), new Field("n", FieldType.Integer));

    /// <summary>Each took minutes, or memory without end, before work was counted; the deadline is far above what they take now.</summary>
    [Theory]
    [InlineData("rpad('x', n, 'a') LIKE '%a%a%a%a%a%a%a%a%a%ab%'")]
    [InlineData("rpad('x', n, 'a') LIKE '%a_a_a_a_a_a_a_a_a_a_a_a_a_b'")]
    [InlineData("rpad('x', n, 'a') LIKE '%' || rpad('a_', 4000, 'a_') || 'b%'")]
    [InlineData("regexp_replace(rpad('x', n, 'a'), 'a(.*b)?', '')")]
    [InlineData("regexp_replace(rpad('x', n, 'a'), 'a', '$_$_$_$_')")]
    [InlineData("regexp_replace(rpad('x', n, 'a'), 'a', '0123456789')")]
    [InlineData("regexp_replace(rpad('x', n, 'a'), '(a)', '$1$`')")]
    [InlineData("position(rpad('a', 250000, 'a') || 'b' || rpad('a', 250000, 'a'), rpad('a', n, 'a')) = 0")]
    [InlineData("replace(rpad('a', n, 'a'), rpad('a', 250000, 'a') || 'b', 'c')")]
    [InlineData("split_part(rpad('a', n, 'a'), rpad('a', 250000, 'a') || 'b' || rpad('a', 250000, 'a'), 2)")]
    [InlineData("trim(rpad('a', n, 'a'), rpad('b', n, 'b') || 'a')")]
    [InlineData("sha256(rpad('x', n, 'a'))")]
    public void What_is_quadratic_elsewhere_is_linear_or_refused(string expression)
    {
        var started = TimeProvider.System.GetTimestamp();
        var (_, error) = Run.One(expression, Fields, "", Long);
        Assert.True(error is null or "KOR3105" or "KOR3107", error);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "It burns.");
    }

    [Fact]
    public void One_records_work_is_bounded_however_many_functions_there_are()
    {
        var many = string.Join(" || ", Enumerable.Repeat("left(sha256(t), 1)", 400));
        Assert.Equal("KOR3107", Run.One(many, Fields, new string('a', Long), 0).Error);
        Assert.Null(Run.One(many, Fields, new string('a', 10_000), 0).Error);
        // Of the same expression, the record after one that was refused begins anew.
        var rows = Run.Rows(Fields, [new string('a', Long), 0], ["short", 0]);
        var (values, errors) = Run.Evaluate(Run.Compile(many, Fields), rows);
        Assert.Equal([0], errors.Items.Select(e => e.Row));
        Assert.Equal(400, ((string)values[1]!).Length);
    }

    [Fact]
    public void One_records_strings_are_bounded_together_too()
    {
        Assert.Null(Run.One(Parts(15), Fields, "", 1_000_000).Error);
        Assert.Equal("KOR3105", Run.One(Parts(20), Fields, "", 1_000_000).Error);

        static string Parts(int count) => string.Join(" || ", Enumerable.Repeat("left(rpad('x', n, 'a'), 1)", count));
    }

    [Fact]
    public void Try_gives_null_instead_of_too_much_work() => Assert.Equal(
        (null, null), Run.One($"try({string.Join(" || ", Enumerable.Repeat("left(sha256(t), 1)", 400))})", Fields, new string('a', Long), 0));

    [Fact]
    public void Constants_are_not_computed_while_compiling_when_they_are_large_or_take_much()
    {
        Assert.True(Run.Compile("rpad('a', 4096)").IsConstant);
        var large = Run.Compile("rpad('a', 900007)");
        Assert.False(large.IsConstant, "Definitions hold what they make.");
        Assert.Equal(900_007, ((string)Run.Evaluate(large, Run.Rows(Schema.Empty, [[]])).Values[0]!).Length);

        var started = TimeProvider.System.GetTimestamp();
        Run.Compile(string.Join(" || ", Enumerable.Repeat("sha256(rpad('a',1000000))", 1_000)));
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "Compiling burns.");
        // A constant that fails for its size is still a fault of the text.
        Assert.Equal("KOR3021", Assert.Single(ExpressionCompiler.Compile("lpad('x', 10000000)", Fields).Errors).Code);
    }

    [Fact]
    public void Whoever_waits_no_longer_ends_the_work_inside_one_record()
    {
        using var left = new CancellationTokenSource();
        var expression = Run.Compile(string.Join(" || ", Enumerable.Repeat("left(sha256(rpad('a', 1000000)), 1)", 200)));
        left.Cancel();
        Assert.Throws<OperationCanceledException>(() => ExpressionTrial.EvaluateOnce(expression, 0, new WorkBudget(10, 1 << 20, left.Token)));
    }

    [Fact]
    public void What_a_try_makes_is_counted_while_it_is_made()
    {
        var expression = Run.Compile("rpad('a', 100000)");
        var decoder = RecordDecoderFactory.Create(FieldList.JsonFormat(Schema.Empty));
        List<byte[]> records = [.. Enumerable.Repeat("{}"u8.ToArray(), 1_000)];
        var text = Assert.Throws<WorkBudgetException>(() => ExpressionTrial.Evaluate(
            expression, decoder, records, 0, new WorkBudget(10_000, 1_000_000, CancellationToken.None)));
        Assert.Contains("1,000,000 bytes", text.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc", "abc", true)]
    [InlineData("", "", true)]
    [InlineData("a", "", false)]
    [InlineData("", "%", true)]
    [InlineData("aXbXc", "a%b%c", true)]
    [InlineData("ab", "a%b%b", false)]
    [InlineData("a", "a%a", false)]
    [InlineData("zürich", "z_r%_h", true)]
    [InlineData("üüb", "_b", false)]
    [InlineData("üüb", "%_b", true)]
    [InlineData("xaübüb", "%a_b_b", true)]
    [InlineData("xaübüc", "%a_b%_b%", false)]
    [InlineData("aabab", "%a_ab%", true)]
    [InlineData("a%b", "a!%b", true)]
    [InlineData("axb", "a!%b", false)]
    public void Like_means_what_it_did(string text, string pattern, bool matches) => Assert.Equal(
        (matches, null), Run.One($"t LIKE '{pattern}' ESCAPE '!'", Fields, text, 0));

    [Fact]
    public void Like_is_what_a_naive_matcher_says()
    {
        var random = new Random(7);
        for (var i = 0; i < 4_000; i++)
        {
            var text = Letters(random, "aab", random.Next(0, 12));
            var pattern = Letters(random, "ab__%%ü", random.Next(0, 9));
            if (random.Next(20) == 0) pattern = "%" + Letters(random, "ab_", 70) + "%";
            if (random.Next(20) == 0) text = Letters(random, "ab", 200);
            text = text.Replace("aab", "ü", StringComparison.Ordinal);
            var naive = new Regex("^" + Regex.Escape(pattern).Replace("%", ".*", StringComparison.Ordinal).Replace("_", ".", StringComparison.Ordinal) + "$", RegexOptions.Singleline | RegexOptions.NonBacktracking);
            Assert.True(Equals(naive.IsMatch(text), Run.One($"t LIKE '{pattern}'", Fields, text, 0).Value), $"'{text}' LIKE '{pattern}'");
        }
    }

    [Theory]
    [InlineData("a1b22", "[0-9]+", "<$&>")]
    [InlineData("a1b22", "([a-z])([0-9]+)", "$2$1;")]
    [InlineData("a1b22", "([a-z])(?<n>[0-9]+)", "${n}${1}$$$9${x}$")]
    [InlineData("abc", "b", "[$`|$'|$_|$+]")]
    [InlineData("abc", "x*", "-")]
    [InlineData("üaü", "a", "€$")]
    [InlineData("aaa", "a|b(.*c)?", "$0${0}")]
    [InlineData("abc", "(b)", "$12 ${12} $1a")]
    [InlineData("abc", "b", "${")]
    [InlineData("abc", "b", "$99999999999")]
    public void A_replacement_means_what_it_means_to_dotnet(string text, string pattern, string with)
    {
        // A number beyond 32 bits is no group; .NET throws for it when the record comes.
        var expected = with == "$99999999999" ? "a$99999999999c" : new Regex(pattern, RegexOptions.NonBacktracking).Replace(text, with);
        Assert.Equal((expected, null), Run.One($"regexp_replace(t, '{pattern}', '{with.Replace("'", "''", StringComparison.Ordinal)}')", Fields, text, 0));
    }

    [Fact]
    public void A_long_text_with_many_matches_is_still_replaced()
    {
        var text = string.Concat(Enumerable.Repeat("word  ", 100_000));
        Assert.Null(Run.One("regexp_replace(t, '\\s+', ' ')", Fields, text, 0).Error);
        Assert.Null(Run.One("regexp_replace(left(t, 20000), '\\s+|,', ' ')", Fields, text, 0).Error);
    }

    [Fact]
    public void Searching_is_what_dotnet_finds()
    {
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            var what = Letters(random, "ab", random.Next(1, 6));
            var long1 = string.Concat(Enumerable.Repeat(what, 2_000));
            var text = Letters(random, "ab", 10_000) + long1 + "b";
            Assert.Equal((long)text.IndexOf(long1, StringComparison.Ordinal) + 1, Run.One("position(rpad('', n, '" + what + "'), t)", Fields, text, long1.Length).Value);
        }
    }

    private static string Letters(Random random, string from, int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++) text.Append(from[random.Next(from.Length)]);
        return text.ToString();
    }
}
