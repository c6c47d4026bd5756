package org.luthier.api.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;

class PositionTest {
    @Test
    void theChannelsOfSegmentsFollowEachOther() {
        Position channels = Position.segments(4, 2).parts(3);
        assertEquals(new Position(IntLists.immutable.of(12, 13, 14, 15, 16, 17), 3, -1), channels);
        assertEquals(5, channels.segment(4));
        assertEquals(1, channels.channel(4));
    }

    @Test
    void partsOfPartsCountOn() {
        Position parts = Position.segments(1, 1).parts(2).parts(3);
        assertEquals(new Position(IntLists.immutable.of(6, 7, 8, 9, 10, 11), 6, -1), parts);
        assertEquals(1, parts.segment(5));
    }

    @Test
    void someRowsKeepTheirSlots() {
        Position some = Position.segments(7, 3).at(5).some(2, 0, 2);
        assertEquals(new Position(IntLists.immutable.of(9, 7, 9), 1, 5), some);
    }
}
