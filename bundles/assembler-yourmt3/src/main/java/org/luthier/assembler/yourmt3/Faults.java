package org.luthier.assembler.yourmt3;

import java.util.EnumMap;
import java.util.Map;

/** How often each fault was met. */
final class Faults {
    private final Map<Fault, Integer> counts = new EnumMap<>(Fault.class);

    void add(Fault fault) {
        counts.merge(fault, 1, Integer::sum);
    }

    int count(Fault fault) {
        return counts.getOrDefault(fault, 0);
    }

    /** Those that were met. */
    Map<Fault, Integer> counts() {
        return Map.copyOf(counts);
    }
}
