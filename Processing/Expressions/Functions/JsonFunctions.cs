using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>Functions of JSON text.</summary>
internal static class JsonFunctions
{
    private const string Category = "JSON";

    public static FunctionDefinition[] All() =>
    [
        new(Category, "json_value(json | text, path) -> string",
            "The string, number or boolean at a constant path such as $.customer.phones[0] or $['odd name'], as text. NULL when there "
            + "is none, when it is null, an object or an array, and when the text is not JSON.", 2, 2,
            call => Path(call) is { } path
                ? call.CallOrNull(ExprType.String, JsonPath.Value, [Document(call)], path)
                : new ErrorNode(call.Span),
            new("json_value('{\"a\":{\"b\":[1,\"x\"]}}', '$.a.b[1]')", "x"), new("json_value('{\"a\":1}', '$.z')", null),
            new("CAST(json_value('{\"a\":1.5}', '$.a') AS decimal(5,2))", "1.50")),
        new(Category, "json_query(json | text, path) -> json", "The object or array at the path; NULL when there is none.", 2, 2,
            call => Path(call) is { } path
                ? call.CallOrNull(ExprType.Json, JsonPath.Query, [Document(call)], path)
                : new ErrorNode(call.Span),
            new FunctionExample("CAST(json_query('{\"a\":[1, 2]}', '$.a') AS string)", "[1, 2]")),
        new(Category, "json_exists(json | text, path) -> boolean", "Whether there is something at the path, be it null.", 2, 2,
            call => Path(call) is { } path
                ? call.Call(ExprType.Boolean, JsonPath.Exists, [Document(call)], path)
                : new ErrorNode(call.Span),
            new("json_exists('{\"a\":null}', '$.a')", "true"), new("json_exists('{\"a\":1}', '$.b')", "false")),
        new(Category, "json_array_length(json | text [, path]) -> integer", "How many elements the array has; NULL when it is none.", 1, 2,
            call => Path(call) is { } path
                ? call.CallOrNull(ExprType.Integer, JsonPath.ArrayLength, [Document(call)], path)
                : new ErrorNode(call.Span),
            new("json_array_length('[1,[2],3]')", "3"), new("json_array_length('{\"a\":[]}', '$.a')", "0")),
    ];

    private static Node Document(FunctionCall call) => call.Of(0, ExprKind.Json, ExprKind.String);

    private static JsonPath? Path(FunctionCall call)
    {
        if (call.Count == 1) return JsonPath.Create("$", out _);
        if (call.ConstantText(1) is not { } text) return null;
        var path = JsonPath.Create(text, out var error);
        if (path is null) call.Invalid(1, error!);
        return path;
    }
}
