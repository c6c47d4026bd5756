package org.luthier.files.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
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

    @ParameterizedTest
    @CsvSource({"'', '', 0", "abc, '', 3", "kitten, sitting, 3", "model:lits, model:list, 2", "a, a, 0", "ab, ba, 2"})
    void distanceCountsChanges(String a, String b, int changes) {
        assertEquals(changes, Distance.of(a, b));
        assertEquals(changes, Distance.of(b, a));
    }
}
