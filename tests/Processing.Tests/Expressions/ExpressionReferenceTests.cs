using System.Runtime.CompilerServices;
using KafkaOracleOrleans.Processing.Expressions.Functions;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

public sealed class ExpressionReferenceTests
{
    [Fact]
    public void The_page_in_docs_is_what_the_code_says()
    {
        var path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/expressions.md"));
        var page = ExpressionReference.ToMarkdown();
        if (Environment.GetEnvironmentVariable("KOR_UPDATE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, page);
        }
        Assert.True(File.Exists(path), "docs/expressions.md is missing; run the tests with KOR_UPDATE_DOCS=1.");
        Assert.Equal(page, File.ReadAllText(path).ReplaceLineEndings("\n"));
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
