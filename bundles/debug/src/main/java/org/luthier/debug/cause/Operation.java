package org.luthier.debug.cause;

import java.util.List;

/** What a computation does, in double and at the places that are asked for, and what might be done instead. */
interface Operation {
    /** The computation as the model has it: the oracle. */
    Field plain();

    /** The computation with one thing changed, the simplest change first. */
    List<Variant> variants();

    /** Changes that are many and cost more; looked at only where nothing simpler fits. */
    default List<Variant> farFetched() {
        return List.of();
    }
}
