package org.luthier.nn.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** When memory has to move, and when an index does. */
class MemoryRowsTest {
    @Test
    void leavingMovesMemoryOnlyWhenHalfIsUnused() {
        MemoryRows rows = new MemoryRows(5);
        assertTrue(rows.inPlace());
        assertNull(rows.select(new int[] {0, 2, 3, 4}));
        assertNull(rows.select(new int[] {3, 0, 1}));
        assertFalse(rows.inPlace());
        assertArrayEquals(new int[] {4, 0, 2}, rows.places());
        assertArrayEquals(new int[] {1, 0, 2, 0, 0}, rows.owners());
        assertArrayEquals(new int[] {2, 4}, rows.select(new int[] {2, 0}));
        assertTrue(rows.inPlace());
        assertEquals(2, rows.memory());
    }

    @Test
    void changingPlacesMovesNothing() {
        MemoryRows rows = new MemoryRows(3);
        assertNull(rows.select(new int[] {2, 0, 1}));
        assertNull(rows.select(new int[] {1, 2, 0}));
        assertTrue(rows.inPlace());
    }

    @Test
    void repeatingMovesOnceAsLongAsNothingIsWritten() {
        MemoryRows rows = new MemoryRows(2);
        assertArrayEquals(new int[] {0, 0, 1, 1}, rows.select(new int[] {0, 0, 1, 1}));
        assertNull(rows.select(new int[] {1, 1, 3, 3}));
        assertTrue(rows.inPlace());
        rows.written();
        assertArrayEquals(new int[] {1, 1, 3, 3}, rows.select(new int[] {1, 1, 3, 3}));
    }

    @Test
    void allMayLeave() {
        MemoryRows rows = new MemoryRows(2);
        assertNull(rows.select(new int[0]));
        assertEquals(0, rows.batch());
        assertThrows(IllegalArgumentException.class, () -> rows.select(new int[] {0}));
    }
}
