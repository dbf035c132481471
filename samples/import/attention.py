"""A net with parts that the language has no word for."""

import keras
from keras import layers

inputs = keras.Input((32, 32, 3))
x = layers.Conv2D(32, 3, padding="same", activation="relu")(inputs)
x = layers.GaussianNoise(0.1)(x)
x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
x = layers.GaussianNoise(0.1)(x)
x = layers.MultiHeadAttention(4, 8)(x, x)
outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
model = keras.Model(inputs, outputs)
