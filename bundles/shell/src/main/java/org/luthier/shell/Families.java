package org.luthier.shell;

import java.net.URL;
import java.util.List;
import java.util.function.Function;
import org.luthier.api.model.ModelFamily;
import org.luthier.workbench.Leases;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;

/** Every model family that there is, held while something is done with them. */
final class Families {
    private Families() {}

    static <T> T with(Workbench workbench, Function<List<ModelFamily>, T> work) {
        List<String> ids = workbench.parts().ids(ModelFamily.class);
        Want[] wants = ids.stream().map(id -> new Want(ModelFamily.class, id)).toArray(Want[]::new);
        try (Leases leases = workbench.parts().acquire(wants)) {
            return work.apply(
                    ids.stream().map(id -> leases.get(ModelFamily.class, id)).toList());
        }
    }

    /** The adapters that explain recordings made elsewhere. */
    static List<URL> referenceAdapters(Workbench workbench) {
        return with(
                workbench,
                families -> families.stream()
                        .flatMap(family -> family.referenceAdapters().stream())
                        .toList());
    }
}
