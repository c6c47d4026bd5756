package org.luthier.files.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextTest {
    @Test
    void columnsAreAsWideAsTheirWidestCell() {
        TextTable table =
                new TextTable("name", ">count", "remark").row("a", 12, null).row("longer", 3456789, "x y");
        assertEquals("name      count  remark\na            12\nlonger  3456789  x y", table.toString());
    }

    @Test
    void withoutHeadingsRowsMayBeOfAnyLength() {
        assertEquals(
                "id\n    sha  abc\nx   1",
                new TextTable().row("id").row("", "sha", "abc").row("x", 1).toString());
        assertEquals("", new TextTable().toString());
    }

    @Test
    void aRowIsOneLine() {
        assertEquals(
                "a\\nb  c\\td\\u009b\ne     f",
                new TextTable().row("a\nb", "c\td\u009b").row("e", "f").toString());
    }

    /** With spaces up to the longest last cell these would be 100 GB. */
    @Test
    @Timeout(60)
    void aVeryLongLastCellIsNotPaidForInEveryRow() {
        TextTable table = new TextTable().row("a", "b".repeat(1_000_000));
        for (int i = 0; i < 100_000; i++) {
            table.row("a", "b");
        }
        assertEquals(1_000_003 + 100_000 * 5, table.toString().length());
    }

    @ParameterizedTest
    @CsvSource({"'', '', 0", "abc, '', 3", "kitten, sitting, 3", "model:lits, model:list, 2", "a, a, 0", "ab, ba, 2"})
    void distanceCountsChanges(String a, String b, int changes) {
        assertEquals(changes, Distance.of(a, b));
        assertEquals(changes, Distance.of(b, a));
    }
}
