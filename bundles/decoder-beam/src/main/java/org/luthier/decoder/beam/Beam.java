package org.luthier.decoder.beam;

import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.tokens.Grammar;

/**
 * A beginning of a row, or a whole one.
 *
 * @param path its ids, back to the start token
 * @param length how many ids it has, the start token not counted
 * @param sum sum of their log-probabilities
 * @param source the session's row that its last id came from
 * @param grammar what may come next; null if anything may, or nothing
 */
record Beam(Path path, int length, double sum, int source, Grammar grammar) {
    /** Ids of a beam; beams share what they have in common. */
    record Path(Path before, int id) {}

    /** The last id. */
    int last() {
        return path.id;
    }

    /** All ids but the start token. */
    IntList ids() {
        int[] ids = new int[length];
        Path at = path;
        for (int i = length - 1; i >= 0; i--) {
            ids[i] = at.id;
            at = at.before;
        }
        return IntLists.immutable.of(ids);
    }

    /** This one and an id more, in the batch of which this one is a row. */
    Beam extend(int id, double newSum, int row) {
        Grammar next = null;
        if (grammar != null) {
            next = grammar.copy();
            next.advance(id);
        }
        return new Beam(new Path(path, id), length + 1, newSum, row, next);
    }
}
