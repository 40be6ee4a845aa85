using System.Numerics;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>An expression's text with what it means, written down naively. Values: null, bool, long, string, Exact.</summary>
internal sealed record Tree(string Text, Func<object?[], object?> Evaluate, Digits Digits = default);

/// <summary>Grows an expression out of random bytes, so that fewer and smaller bytes are a simpler expression.</summary>
internal sealed class TreeBuilder(byte[] tape)
{
    // Fields of the rows: i1, i2, b1, b2, s1, s2, d1 decimal(12,2), d2 decimal(18,4), d3 decimal(28,10).
    private static readonly Digits[] FieldDigits = [new(12, 2), new(18, 4), new(28, 10)];

    private int _at;

    private int Next(int count) => _at < tape.Length ? tape[_at++] % count : 0;

    public Tree Boolean(int depth)
    {
        if (depth == 0 || _at >= tape.Length) return BooleanLeaf();
        switch (Next(14))
        {
            case 0:
                return BooleanLeaf();
            case 1:
                return Logic(true, depth);
            case 2:
                return Logic(false, depth);
            case 3:
                var negated = Boolean(depth - 1);
                return new($"(NOT {negated.Text})", row => negated.Evaluate(row) is bool b ? !b : null);
            case 4:
                var tested = Next(2) == 0 ? Integer(depth - 1) : Boolean(depth - 1);
                var not = Next(2) == 1;
                return new($"({tested.Text} IS {(not ? "NOT " : "")}NULL)", row => tested.Evaluate(row) is null != not);
            case 5:
                var truth = Boolean(depth - 1);
                var what = Next(2) == 0;
                var isNot = Next(2) == 1;
                return new(
                    $"({truth.Text} IS {(isNot ? "NOT " : "")}{(what ? "TRUE" : "FALSE")})",
                    row => truth.Evaluate(row) is bool b && b == what != isNot || truth.Evaluate(row) is not bool && isNot);
            case 6:
                return Compare(Integer(depth - 1), Integer(depth - 1));
            case 7:
                return Compare(Decimal(depth - 1), Decimal(depth - 1));
            case 8:
                return Compare(Text(depth - 1), Text(depth - 1));
            case 9:
                return Between(Integer(depth - 1), Integer(depth - 1), Integer(depth - 1), Next(2) == 1);
            case 10:
                return In(Integer(depth - 1), [.. Enumerable.Range(0, 1 + Next(7)).Select(_ => Integer(Next(3) == 0 ? depth - 1 : 0))], Next(2) == 1);
            case 11:
                return Distinct(Integer(depth - 1), Integer(depth - 1), Next(2) == 1);
            case 12:
                return Case(depth, Boolean);
            default:
                return Coalesce(depth, Boolean);
        }
    }

    public Tree Integer(int depth)
    {
        if (depth == 0 || _at >= tape.Length) return IntegerLeaf();
        switch (Next(13))
        {
            case 0:
                return IntegerLeaf();
            case 1:
                return Arithmetic("+", BigInteger.Add, depth);
            case 2:
                return Arithmetic("-", BigInteger.Subtract, depth);
            case 3:
                return Arithmetic("*", BigInteger.Multiply, depth);
            case 4:
                return Arithmetic("%", (a, b) => b.IsZero ? throw new ModelException("KOR3102") : BigInteger.Remainder(a, b), depth);
            case 5:
                var value = Integer(depth - 1);
                return new($"(- {value.Text})", row => value.Evaluate(row) is long n ? Long(-(BigInteger)n) : null);
            case 6:
                var positive = Integer(depth - 1);
                return new($"abs({positive.Text})", row => positive.Evaluate(row) is long n ? Long(BigInteger.Abs(n)) : null);
            case 7:
                return Case(depth, Integer);
            case 8:
                return Coalesce(depth, Integer);
            case 9:
                return NullIf(Integer(depth - 1), Integer(depth - 1));
            case 10:
                return SimpleCase(depth);
            case 11:
                var tried = Integer(depth - 1);
                return new($"try({tried.Text})", row => Try(tried, row));
            default:
                var text = Text(depth - 1);
                return new($"length({text.Text})", row => text.Evaluate(row) is string s ? (long)s.EnumerateRunes().Count() : null);
        }
    }

    public Tree Decimal(int depth)
    {
        if (depth == 0 || _at >= tape.Length) return DecimalLeaf();
        var op = Next(10);
        if (op == 0) return DecimalLeaf();
        if (op == 6) return Round(Decimal(depth - 1), Next(4));
        if (op > 6) return OneOfTwo(op, depth);
        var left = Decimal(depth - 1);
        var right = Next(4) == 0 ? IntegerAsDecimal() : Decimal(depth - 1);
        var (a, b) = (left.Digits, right.Digits);
        return op switch
        {
            1 => Binary("+", Digits.Sum(a, b), (x, y) => new(x.Mantissa + y.Mantissa, x.Scale)),
            2 => Binary("-", Digits.Sum(a, b), (x, y) => new(x.Mantissa - y.Mantissa, x.Scale)),
            3 => Binary("*", Digits.Product(a, b), (x, y) => new(x.Mantissa * y.Mantissa, x.Scale + y.Scale)),
            4 => Binary("%", Digits.Remainder(a, b), (x, y) => new(BigInteger.Remainder(x.Mantissa, NotZero(y.Mantissa)), x.Scale)),
            _ => Binary("/", Digits.Quotient(a, b), (x, y) => new(
                Exact.Divide(x.Mantissa * BigInteger.Pow(10, Digits.Quotient(a, b).Scale), NotZero(y.Mantissa)),
                Digits.Quotient(a, b).Scale)),
        };

        Tree Binary(string symbol, Digits digits, Func<Exact, Exact, Exact> compute) => new(
            $"({left.Text} {symbol} {right.Text})",
            row =>
            {
                var x = left.Evaluate(row);
                var y = right.Evaluate(row);
                if (x is not Exact m || y is not Exact n) return null;
                var scale = Math.Max(m.Scale, n.Scale);
                return digits.Fit(compute(m.At(scale), n.At(scale)));
            },
            digits);
    }

    /// <summary>COALESCE, CASE, GREATEST and LEAST: one of two decimals, in the digits that hold both.</summary>
    private Tree OneOfTwo(int op, int depth)
    {
        var left = Decimal(depth - 1);
        var right = Next(4) == 0 ? IntegerAsDecimal() : Decimal(depth - 1);
        var digits = Digits.Union(left.Digits, right.Digits);
        if (op == 7)
            return new($"coalesce({left.Text}, {right.Text})", row => Fit(left.Evaluate(row) ?? right.Evaluate(row)), digits);
        if (op == 8)
        {
            var condition = Boolean(depth - 1);
            return new(
                $"CASE WHEN {condition.Text} THEN {left.Text} ELSE {right.Text} END",
                row => Fit(condition.Evaluate(row) is true ? left.Evaluate(row) : right.Evaluate(row)), digits);
        }

        var greatest = Next(2) == 0;
        return new(
            $"{(greatest ? "greatest" : "least")}({left.Text}, {right.Text})",
            row =>
            {
                var (x, y) = (left.Evaluate(row), right.Evaluate(row));
                if (x is not Exact m || y is not Exact n) return null;
                return Fit(m.CompareTo(n) > 0 == greatest ? m : n);
            },
            digits);

        object? Fit(object? value) => value is Exact exact ? digits.Fit(exact) : null;
    }

    public Tree Text(int depth)
    {
        if (depth == 0 || _at >= tape.Length || Next(3) == 0) return TextLeaf();
        var left = Text(depth - 1);
        var right = Text(depth - 1);
        return new(
            $"({left.Text} || {right.Text})",
            row =>
            {
                var a = left.Evaluate(row);
                var b = right.Evaluate(row);
                return a is string s && b is string t ? s + t : null;
            });
    }

    private static Tree Round(Tree value, int digits)
    {
        var d = value.Digits;
        var type = digits >= d.Scale ? d : Digits.Cap(d.Precision - d.Scale + 1 + digits, digits);
        return new($"round({value.Text}, {digits})", row => value.Evaluate(row) is Exact e ? e.At(Math.Min(e.Scale, digits)) : null, type);
    }

    private static BigInteger NotZero(BigInteger value) => value.IsZero ? throw new ModelException("KOR3102") : value;

    private static object? Try(Tree tree, object?[] row)
    {
        try
        {
            return tree.Evaluate(row);
        }
        catch (ModelException)
        {
            return null;
        }
    }

    private static long Long(BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue ? (long)value : throw new ModelException("KOR3101");

    private static int Order(object a, object b) => (a, b) switch
    {
        (long x, long y) => x.CompareTo(y),
        (Exact x, Exact y) => x.CompareTo(y),
        (string x, string y) => System.Text.Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(y)),
        (bool x, bool y) => x.CompareTo(y),
        _ => throw new InvalidOperationException(),
    };

    private static bool? Equal(object? a, object? b) => a is null || b is null ? null : Order(a, b) == 0;

    private Tree BooleanLeaf()
    {
        var kind = Next(5);
        return kind switch
        {
            0 or 1 => new(kind == 0 ? "b1" : "b2", row => row[2 + kind]),
            2 => new("TRUE", _ => true),
            3 => new("FALSE", _ => false),
            _ => new("CAST(NULL AS boolean)", _ => null),
        };
    }

    private Tree IntegerLeaf()
    {
        long[] constants = [0, 1, 2, -1, 7, long.MaxValue, long.MinValue];
        var kind = Next(4);
        if (kind < 2) return new(kind == 0 ? "i1" : "i2", row => row[kind]);
        if (kind == 3) return new("CAST(NULL AS integer)", _ => null);
        var constant = constants[Next(constants.Length)];
        return new($"({constant})", _ => constant);
    }

    private Tree DecimalLeaf()
    {
        var field = Next(3);
        if (Next(4) != 3) return new($"d{field + 1}", row => row[6 + field], FieldDigits[field]);
        return Next(3) == 2
            ? new("CAST(0.1 AS decimal(28,6))", _ => new Exact(1, 1), new(28, 6))
            : new("0.1", _ => new Exact(1, 1), new(1, 1));
    }

    private Tree IntegerAsDecimal()
    {
        if (Next(2) == 1) return new("7", _ => new Exact(7, 0), new(1, 0));
        var field = Next(2);
        return new($"i{field + 1}", row => row[field] is long n ? new Exact(n, 0) : null, new(19, 0));
    }

    private Tree TextLeaf()
    {
        var kind = Next(4);
        return kind switch
        {
            0 or 1 => new(kind == 0 ? "s1" : "s2", row => row[4 + kind]),
            2 => new("'ü'", _ => "ü"),
            _ => new("CAST(NULL AS string)", _ => null),
        };
    }

    private Tree Logic(bool and, int depth)
    {
        Tree[] operands = [.. Enumerable.Range(0, 2 + Next(2)).Select(_ => Boolean(depth - 1))];
        return new($"({string.Join(and ? " AND " : " OR ", operands.Select(operand => operand.Text))})", row => Decide(and, operands, row));
    }

    private static bool? Decide(bool and, IEnumerable<Tree> operands, object?[] row)
    {
        var unknown = false;
        foreach (var operand in operands)
        {
            if (operand.Evaluate(row) is not bool value) unknown = true;
            else if (value != and) return !and;
        }
        return unknown ? null : and;
    }

    private Tree Compare(Tree left, Tree right)
    {
        string[] operators = ["=", "<>", "<", "<=", ">", ">="];
        var op = operators[Next(operators.Length)];
        return new($"({left.Text} {op} {right.Text})", row =>
        {
            var (a, b) = (left.Evaluate(row), right.Evaluate(row));
            if (a is null || b is null) return null;
            var order = Order(a, b);
            return op switch { "=" => order == 0, "<>" => order != 0, "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
        });
    }

    private static Tree Between(Tree value, Tree low, Tree high, bool negated) => new(
        $"({value.Text} {(negated ? "NOT " : "")}BETWEEN {low.Text} AND {high.Text})",
        row =>
        {
            var v = value.Evaluate(row);
            var result = Decide(true, [AtLeast(v, low), AtMost(v, high)], row);
            return negated ? !result : result;
        });

    private static Tree AtLeast(object? value, Tree low) =>
        new("", row => low.Evaluate(row) is { } bound && value is not null ? Order(value, bound) >= 0 : null);

    private static Tree AtMost(object? value, Tree high) =>
        new("", row => high.Evaluate(row) is { } bound && value is not null ? Order(value, bound) <= 0 : null);

    private static Tree In(Tree value, Tree[] items, bool negated) => new(
        $"({value.Text} {(negated ? "NOT " : "")}IN ({string.Join(", ", items.Select(item => item.Text))}))",
        row =>
        {
            var v = value.Evaluate(row);
            var result = Decide(false, items.Select(item => new Tree("", r => Equal(v, item.Evaluate(r)))), row);
            return negated ? !result : result;
        });

    private static Tree Distinct(Tree left, Tree right, bool negated) => new(
        $"({left.Text} IS {(negated ? "NOT " : "")}DISTINCT FROM {right.Text})",
        row => Equals(left.Evaluate(row), right.Evaluate(row)) == negated);

    private static Tree NullIf(Tree value, Tree other) => new(
        $"nullif({value.Text}, {other.Text})",
        row =>
        {
            var v = value.Evaluate(row);
            return Equal(v, other.Evaluate(row)) == true ? null : v;
        });

    private Tree Case(int depth, Func<int, Tree> part)
    {
        var (condition, then) = (Boolean(depth - 1), part(depth - 1));
        var otherwise = Next(3) == 0 ? null : part(depth - 1);
        return new(
            $"CASE WHEN {condition.Text} THEN {then.Text}{(otherwise is null ? "" : " ELSE " + otherwise.Text)} END",
            row => condition.Evaluate(row) is true ? then.Evaluate(row) : otherwise?.Evaluate(row));
    }

    private Tree SimpleCase(int depth)
    {
        var (subject, when, then, otherwise) = (Integer(depth - 1), Integer(depth - 1), Integer(depth - 1), Integer(depth - 1));
        return new($"CASE {subject.Text} WHEN {when.Text} THEN {then.Text} ELSE {otherwise.Text} END", row =>
        {
            var value = subject.Evaluate(row);
            return Equal(value, when.Evaluate(row)) == true ? then.Evaluate(row) : otherwise.Evaluate(row);
        });
    }

    private static Tree Coalesce(int depth, Func<int, Tree> part)
    {
        Tree[] parts = [part(depth - 1), part(depth - 1)];
        return new($"coalesce({parts[0].Text}, {parts[1].Text})", row => parts[0].Evaluate(row) ?? parts[1].Evaluate(row));
    }

    private Tree Arithmetic(string op, Func<BigInteger, BigInteger, BigInteger> compute, int depth)
    {
        var (left, right) = (Integer(depth - 1), Integer(depth - 1));
        return new($"({left.Text} {op} {right.Text})", row =>
        {
            var (a, b) = (left.Evaluate(row), right.Evaluate(row));
            return a is long x && b is long y ? Long(compute(x, y)) : null;
        });
    }
}
