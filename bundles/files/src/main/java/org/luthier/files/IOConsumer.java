package org.luthier.files;

import java.io.IOException;

/** Takes a value and may fail with an {@link IOException}. */
@FunctionalInterface
public interface IOConsumer<T> {
    /** Does the work. */
    void accept(T value) throws IOException;
}
