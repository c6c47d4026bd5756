package org.luthier.nn.internal;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Where the rows of a batch lie in memory while rows leave and change places: an index instead of moved memory, as long as at least
 * half of the memory is in use and no two rows need the same.
 */
final class MemoryRows {
    /** For each row of the batch its row of memory; no two the same. */
    private int[] places;

    /** For each row of memory what it holds: the same number, the same content. */
    private int[] contents;

    MemoryRows(int rows) {
        places = identity(rows);
        contents = identity(rows);
    }

    /** Rows of the batch. */
    int batch() {
        return places.length;
    }

    /** Rows of memory. */
    int memory() {
        return contents.length;
    }

    /** Whether the batch is the memory, row by row. */
    boolean inPlace() {
        return places.length == contents.length && Arrays.equals(places, identity(places.length));
    }

    /** For each row of the batch its row of memory. */
    int[] places() {
        return places.clone();
    }

    /** For each row of memory its row of the batch, or 0 where it is nobody's. */
    int[] owners() {
        int[] owners = new int[contents.length];
        for (int row = 0; row < places.length; row++) {
            owners[places[row]] = row;
        }
        return owners;
    }

    /** Every row of memory is written to on its own: what was equal is no more. */
    void written() {
        contents = identity(contents.length);
    }

    /**
     * Makes row i of the batch what row {@code sources[i]} was.
     *
     * @return null if memory stays as it is, or else the rows that memory now has to consist of, in the order of the batch
     */
    int[] select(int[] sources) {
        int[] from = Shapes.select(places, sources);
        int[] wanted = Shapes.select(contents, from);
        int[] found = find(wanted);
        boolean empty = sources.length == 0;
        if (found != null && (empty || 2 * found.length >= contents.length)) {
            places = found;
            return null;
        }
        places = identity(wanted.length);
        contents = wanted;
        return from;
    }

    /** For each wanted content a row of memory of its own; null if there are not enough. */
    private int[] find(int[] wanted) {
        int[] found = new int[wanted.length];
        boolean[] taken = new boolean[contents.length];
        for (int row = 0; row < wanted.length; row++) {
            int place = 0;
            while (place < contents.length && (taken[place] || contents[place] != wanted[row])) {
                place++;
            }
            if (place == contents.length) {
                return null;
            }
            taken[place] = true;
            found[row] = place;
        }
        return found;
    }

    private static int[] identity(int n) {
        return IntStream.range(0, n).toArray();
    }
}
